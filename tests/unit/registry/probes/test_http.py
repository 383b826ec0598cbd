"""HTTP probes."""

import pytest

from meshd.model.workload_group import Probe
from meshd.registry.probes.http import MOST_HEAD, StatusReader, request_of
from meshd.registry.probes.target import LINGER
from tests.helpers.probing import Asked


@pytest.mark.parametrize(
    ("probe", "host", "expected"),
    [
        (Probe("http", port=80), "10.0.0.1",
         b"GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\nUser-Agent: meshd-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"),
        (Probe("http", port=80, path="a b", headers=(("host", "web"), ("X-A", "1"), ("X-A", "2"))), "::1",
         b"GET /a%20b HTTP/1.1\r\nUser-Agent: meshd-probe\r\nAccept: */*\r\nConnection: close\r\nhost: web\r\nX-A: 1\r\nX-A: 2\r\n\r\n"),
        (Probe("http", port=8), "::1", b"GET / HTTP/1.1\r\nHost: [::1]:8\r\nUser-Agent: meshd-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"),
    ],
)  # fmt: skip
def test_the_request(probe, host, expected):
    """Headers of the probe win."""
    assert expected == request_of(probe, host)


ANSWERS = [
    (b"HTTP/1.1 200 OK\r\n", ""),
    (b"HTTP/1.0 399 Odd\r\n", ""),
    (b"HTTP/1.1 302\n", ""),
    (b"HTTP/1.1 400 Bad\r\n", "answered with status 400"),
    (b"HTTP/1.1 503 Away\r\n\r\n", "answered with status 503"),
    (b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n", ""),
    (b"HTTP/1.1 101 Switching\r\n", "answered with status 101"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "expected a status line of HTTP, got 'SSH-2.0-OpenSSH_9.2'"),
    (b"HTTP/1.1 20 O\r\n", "expected a status line of HTTP, got 'HTTP/1.1 20 O'"),
    (b"HTTP/1.1 2000 O\r\n", "expected a status line of HTTP, got 'HTTP/1.1 2000 O'"),
    (b"HTTP/1.1 099 O\r\n", "expected a status line of HTTP, got 'HTTP/1.1 099 O'"),
    (b"HTTP/1.1 \xb2\xb2\xb2 O\r\n", "expected a status line of HTTP, got 'HTTP/1.1 ²²² O'"),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
def test_the_status_decides(answer, expected):
    """Whole, and byte by byte."""
    assert expected == StatusReader().read(answer)
    reader = StatusReader()
    assert [expected] == [verdict for byte in answer if (verdict := reader.read(bytes((byte,)))) is not None][:1]


def test_a_line_that_never_ends_is_cut():
    """As is a head that only tells of progress."""
    assert StatusReader().read(b"HTTP/1.1 200 " + b"x" * MOST_HEAD) == f"expected a status line within {MOST_HEAD} bytes, got more"
    assert StatusReader().read(b"HTTP/1.1 100 C\r\n" + b"x" * MOST_HEAD) == f"expected a status line within {MOST_HEAD} bytes, got more"


def test_asks_the_workload():
    """And lets it finish once it knows, but not for long."""
    asked = Asked(Probe("http", port=8080, path="/ready"))
    assert asked.transport.value().startswith(b"GET /ready HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n")
    assert ([""], ("10.0.0.1", 8080)) == (asked.answer(b"HTTP/1.1 200 OK\r\n"), asked.endpoint.place)
    asked.answer(b"\r\nbody")
    assert not asked.transport.disconnected
    asked.target.reactor.advance(LINGER)
    assert asked.transport.disconnected
