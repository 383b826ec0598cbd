"""DNS messages: what is read of them, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns

from meshd.dns.message import AAAA, OPT_RECORD, SERVFAIL, A, cut, read_question, record, record_places, reply, skip_name, wire_name
from tests.helpers.dns_messages import EDNS, query


def test_names_in_wire_form():
    """In lower case, without the dot at the end; what cannot be a name is none."""
    assert (b"\x03web\x04test\0", b"\x03web\x04test\0", b"\x01*\x01x\0") == tuple(wire_name(text) for text in ("Web.TEST", "web.test.", "*.x"))
    assert [None] * 5 == [wire_name(text) for text in ("", "a..b", "x" * 64, "é.test", ".".join(["x" * 63] * 4))]
    assert wire_name(".".join(["x" * 63] * 3 + ["x" * 61])) is not None


@pytest.mark.parametrize(("message", "expected"), [
    (query("Web.Test"), ("web.test", A, 0, 512)), (query("web.test", AAAA) , ("web.test", AAAA, 0, 512)),
    (query("web.test", edns=4096), ("web.test", A, 4096, 1232)), (query("web.test", edns=100), ("web.test", A, 512, 512)),
    (query("web.test", edns=900), ("web.test", A, 900, 900)),
])
def test_questions(message, expected):
    """Name in lower case, type, and how much the client takes."""
    found = read_question(message)
    assert found is not None
    assert (wire_name(expected[0]), *expected[1:]) == (found.name, found.kind, found.edns, found.limit)


WEB = query("web.test")


@pytest.mark.parametrize("message", [
    b"", WEB[:11], WEB[:-1], WEB[:2] + b"\x81" + WEB[3:], WEB[:2] + b"\x28" + WEB[3:], WEB[:5] + b"\x02" + WEB[6:], WEB[:7] + b"\x01" + WEB[8:],
    WEB[:12] + b"\xc0\x0c\0\1\0\1", WEB[:12] + b"\x40" + b"x" * 64 + b"\0\0\1\0\1", WEB[:12] + b"\x3f" * 5, WEB[:11] + b"\1" + WEB[12:],
    WEB[:11] + b"\1" + WEB[12:] + EDNS[:-1], WEB[:11] + b"\1" + WEB[12:] + EDNS[:9] + b"\0\1", WEB[:11] + b"\2" + WEB[12:] + EDNS + EDNS,
    WEB[:12] + (b"\x3f" + b"x" * 63) * 4 + b"\0\0\1\0\1",
])
def test_what_is_no_plain_question(message):
    """Cut off, an answer, another operation, several, with a pointer, a label or a name too long, or something besides EDNS."""
    assert read_question(message) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_a_fault(data):
    """Nothing loops, nothing is raised."""
    assert read_question(data) is None or len(data) > 16
    assert record_places(data) is None or len(data) >= 12
    assert -1 <= skip_name(data, 0) <= len(data)
    assert len(data) < 12 or len(cut(data, 40)) <= max(40, len(data))


@given(st.integers(1, 80), st.integers(40, 1300))
def test_answers_are_cut_to_whole_records(count, limit):
    """What is left is a well-formed answer, marked as cut, within the limit."""
    question = query("web.test")
    whole = reply(question, len(question), 0, b"".join(b"\xc0\x0c" + record(A, 30, bytes([10, 0, 0, index])) for index in range(count)), count)
    got = cut(whole, limit)
    message = dns.Message()
    message.fromStr(got)
    assert len(got) <= limit
    assert (len(whole) > limit, count if len(whole) <= limit else (limit - len(question)) // 16) == (bool(message.trunc), len(message.answers))


def test_own_answers():
    """Id, RD and question are the client's; who knows EDNS is told that we do."""
    message = dns.Message()
    question = query("web.test", edns=4096)
    got = reply(question, len(WEB), SERVFAIL, edns=True)
    message.fromStr(got)
    assert (message.id, message.rCode, message.answer, message.recDes, message.recAv) == (0x1234, SERVFAIL, 1, 1, 1)
    assert got.endswith(OPT_RECORD)


def test_records_are_found_behind_pointers():
    """Names are passed over, never followed: a pointer to itself is as good as any."""
    answer = reply(WEB, len(WEB), 0, bytes([0xC0, len(WEB)]) + record(A, 30, b"\1\2\3\4"), 1)
    assert [(len(WEB) + 2, A)] == record_places(answer)
    assert None is record_places(answer[:-1])
    assert None is record_places(answer[:6] + b"\xff\xff" + answer[8:])
