"""First bytes: what they are taken for, and that the answer does not change when more come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.codec.sniff import MAX_REQUEST_LINE, PREFACE, sniff

DECIDED = [
    (b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "http/1.1"),
    (b"FOO / HTTP/1.1\r\n", "http/1.1"),
    (b"get / HTTP/1.1\r\n", "http/1.1"),
    (b"CONNECT a.test:443 HTTP/1.1\r\n", "http/1.1"),
    (b"GET /caf\xc3\xa9 HTTP/1.1\r\n", "http/1.1"),  # the codec refuses it then, with an answer
    (b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", "http/1.0"),
    (PREFACE + b"\0\0\0\4\0\0\0\0\0", "h2c"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "tls"),
    (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "tls"),  # read_client_hello says that it is none
    (b"\0\1hello", "unknown"),
    (b"HELO there\r\n", "unknown"),
    (b"GET /\r\n\r\n", "unknown"),
    (b"GET / HTTP/2.0\r\n", "unknown"),
    (b"GET / HTTP/1.2\r\n", "unknown"),
    (b"GET / HTTP/1.1 \r\n", "unknown"),
    (b"GET  / HTTP/1.1\r\n", "unknown"),
    (b"GET / HTTP/1.1\n", "unknown"),
    (b"GET / HTTP/1.1\rX", "unknown"),
    (b"\r\nGET / HTTP/1.1\r\n", "unknown"),
    (b" GET / HTTP/1.1\r\n", "unknown"),
    (b"G(T / HTTP/1.1\r\n", "unknown"),
    (b"PRI * HTTP/2.0\r\n\r\nXX", "unknown"),
    (b"\x16\x02\x01\x02\x00\x01", "unknown"),
    (b"\x16\x03\x01\x02\x00\x02", "unknown"),
    (b"\x16\x03\x01\xff\xff\x01", "unknown"),
    (b"\x16\x03\x01\x00\x00\x01", "unknown"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "unknown"),
    (b"\x80\x2e\x01\x03\x01", "unknown"),
    (b"GET /" + b"a" * MAX_REQUEST_LINE, "unknown"),
]


@pytest.mark.parametrize(("data", "expected"), DECIDED)
def test_says_what_it_is(data, expected):
    """Whole, each is known; up to the deciding byte more are asked for, after it the answer stays."""
    assert expected == sniff(data)
    answers = [sniff(data[:end]) for end in range(min(len(data), 100))]
    assert set(answers) <= {"", expected}
    assert answers == sorted(answers)


@pytest.mark.parametrize("data", [b"", b"G", b"HELO", b"GET", b"GET ", b"GET /", b"GET / ", b"GET / HT", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r",
    PREFACE[:-1], b"PRI",
                                  b"\x16", b"\x16\x03\x01\x02\x00"])
def test_asks_for_more(data):
    """Beginnings that may become either are waited for."""
    assert "" == sniff(data)


@given(data=st.one_of(st.binary(max_size=40), st.lists(st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"HTTP/1", b".", b"0", b"\r\n", b"\r",
    b"\x16\x03"]))
                      .map(b"".join)))
def test_never_raises_and_never_changes_its_mind(data):
    """Whatever comes, an answer once given stays."""
    answers = [sniff(data[:end]) for end in range(len(data) + 1)]
    assert len(set(answers) - {""}) <= 1
    assert answers == sorted(answers)
