"""gRPC probes."""

import pytest

from meshd.model.workload_group import Probe
from meshd.registry.probes.grpc import (
    ACK,
    DATA,
    END_STREAM,
    GOAWAY,
    HEADERS,
    MOST_FRAME,
    NO_MESSAGE,
    PADDED,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    AnswerReader,
    call_of,
    frame,
    verdict_of,
)
from meshd.registry.probes.target import LINGER
from tests.helpers.probing import Asked

SERVING = b"\x00\x00\x00\x00\x02\x08\x01"
WELL = frame(SETTINGS, 0, 0, b"") + frame(HEADERS, 4, 1, b"\x88") + frame(DATA, 0, 1, SERVING) + frame(HEADERS, 4 | END_STREAM, 1, b"\x88")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (WELL, ""),
        (frame(DATA, END_STREAM | PADDED, 1, b"\x02" + SERVING + b"\0\0"), ""),
        (frame(DATA, 0, 1, SERVING[:3]) + frame(DATA, END_STREAM, 1, SERVING[3:]), ""),
        (frame(DATA, END_STREAM, 1, b"\0\0\0\0\x02\x08\x02"), "answered NOT_SERVING"),
        (frame(DATA, END_STREAM, 3, SERVING) + frame(HEADERS, END_STREAM, 1, b""), NO_MESSAGE),
        (frame(RST_STREAM, 0, 1, b"\0\0\0\x07"), "the server ended the call, code 7"),
        (frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0b"), "the server ended the connection, code 11"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "expected a frame of HTTP/2, got something else"),
        ((MOST_FRAME + 1).to_bytes(3) + bytes(6), "expected a frame of HTTP/2, got something else"),
    ],
)
def test_reads_answers(answer, expected):
    """Whole, and byte by byte."""
    assert expected == AnswerReader().read(answer)
    reader = AnswerReader()
    assert [expected] == [verdict for byte in answer if (verdict := reader.read(bytes((byte,)))) is not None][:1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (SERVING, ""),
        (b"\0\0\0\0\0", "answered UNKNOWN"),
        (b"\0\0\0\0\x02\x08\x03", "answered SERVICE_UNKNOWN"),
        (b"\0\0\0\0\x02\x08\x09", "answered with something else than a status"),
        (b"\0\0\0\0\x02\x10\x01", "answered with something else than a status"),
        (b"\0\0\0\0\x01\x08", "answered with something else than a status"),
        (b"\x01\0\0\0\x02\x08\x01", NO_MESSAGE),
        (b"\0\0\0\0\x03\x08\x01", NO_MESSAGE),
        (b"", NO_MESSAGE),
    ],
)
def test_the_message_decides(answer, expected):
    """Nothing but SERVING is well."""
    assert expected == verdict_of(answer)


def test_answers_what_the_server_asks():
    """Settings are acknowledged, pings answered, acknowledgements not."""
    written = []
    reader = AnswerReader(written.append)
    reader.read(frame(SETTINGS, 0, 0, b"") + frame(SETTINGS, ACK, 0, b"") + frame(PING, 0, 0, b"12345678") + frame(PING, ACK, 0, b"12345678"))
    assert [frame(SETTINGS, ACK, 0, b""), frame(PING, ACK, 0, b"12345678")] == written


def test_the_call_names_the_service():
    """A long name has a length of two bytes, in the message and among the headers."""
    name = "a" * 200
    call = call_of(name, "b" * 300, 9000)
    assert call.startswith(PREFACE)
    assert call.endswith(b"\x00" + (203).to_bytes(4) + b"\x0a\xc8\x01" + name.encode())
    assert b"\x0a:authority\x7f\xb2\x01" + b"b" * 300 + b":9000" in call
    assert call_of("", "::1", 9).endswith(frame(DATA, END_STREAM, 1, bytes(5)))
    assert b"[::1]:9" in call_of("", "::1", 9)


def test_asks_the_workload():
    """And hangs up once it knows."""
    asked = Asked(Probe("grpc", port=9000, service="web"))
    assert ([""], ("10.0.0.1", 9000)) == (asked.answer(WELL), asked.endpoint.place)
    assert asked.transport.value() == call_of("web", "10.0.0.1", 9000) + frame(SETTINGS, ACK, 0, b"")
    asked.target.reactor.advance(LINGER)
    assert asked.transport.disconnected
