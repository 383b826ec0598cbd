"""Heads of local replies: Envoy's headers in Envoy's order."""

import pytest

from meshd.codec.local_reply import build_local_reply

DATE = (b"date", b"DATE")
SERVER = (b"server", b"envoy")
TEXT = (b"content-type", b"text/plain")


@pytest.mark.parametrize(("body", "extra", "expected"), [
    (b"", (), [DATE, SERVER]),
    (b"no healthy upstream", (), [(b"content-length", b"19"), TEXT, DATE, SERVER]),
    (b"x", ((b"x-envoy-overloaded", b"true"),), [(b"x-envoy-overloaded", b"true"), (b"content-length", b"1"), TEXT, DATE, SERVER]),
    (b"", ((b"location", b"http://a.test/"),), [(b"location", b"http://a.test/"), DATE, SERVER]),
])
def test_headers(body, extra, expected):
    """Extra ones first, then what describes the body, then who answers and when."""
    reply = build_local_reply(503, body, b"DATE", b"envoy", extra)
    assert (503, expected, len(body), b"") == (reply.status, reply.headers.pairs, reply.length, reply.upgrade)
