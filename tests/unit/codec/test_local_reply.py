"""Heads of local replies: what describes a body, and what a gRPC client is told."""

import pytest

from meshd.codec.headers import Headers
from meshd.codec.local_reply import begin_reply, is_grpc, tell_grpc, tell_of_body

TEXT = (b"content-type", b"text/plain")
GRPC = (b"content-type", b"application/grpc")


@pytest.mark.parametrize(("body", "given", "expected"), [
    (b"", (), []),
    (b"no healthy upstream", (), [(b"content-length", b"19"), TEXT]),
    (b"x", ((b"x-envoy-overloaded", b"true"),), [(b"x-envoy-overloaded", b"true"), (b"content-length", b"1"), TEXT]),
    (b"x", ((b"content-type", b"a/b"), (b"content-length", b"9")), [(b"content-type", b"a/b"), (b"content-length", b"1")]),
    (b"", ((b"content-type", b"a/b"), (b"content-length", b"9"), (b"x-a", b"1")), [(b"x-a", b"1")]),
])
def test_bodies(body, given, expected):
    """Length and type of a text; a type that is there stays, an empty body has neither."""
    reply = begin_reply(503)
    for name, value in given:
        reply.headers.add(name, value)
    tell_of_body(reply, body)
    assert (503, expected, len(body), b"") == (reply.status, reply.headers.pairs, reply.length, reply.upgrade)


@pytest.mark.parametrize(("status", "message", "own", "expected"), [
    (503, b"no healthy upstream", b"", [(b"grpc-status", b"14"), (b"grpc-message", b"no healthy upstream")]),
    (404, b"", b"", [(b"grpc-status", b"12")]),
    (555, b"", b"", [(b"grpc-status", b"2")]),
    (200, b"", b"7", [(b"grpc-status", b"7")]),
    (400, "50% é\r\n".encode(), b"", [(b"grpc-status", b"13"), (b"grpc-message", b"50%25 %C3%A9%0D%0A")]),
])
def test_grpc(status, message, own, expected):
    """Status 200, with gRPC's own status and message beside it; no line break comes in."""
    reply = begin_reply(status)
    tell_grpc(reply, message, own)
    assert (200, [GRPC, *expected], 0) == (reply.status, reply.headers.pairs, reply.length)


@pytest.mark.parametrize(("kind", "expected"), [
    (b"application/grpc", True), (b"application/grpc+proto", True), (b"application/grpc-web", False), (b"application/grp", False),
    (b"text/plain", False), (None, False),
])
def test_who_speaks_grpc(kind, expected):
    """By content type."""
    assert expected == is_grpc(Headers([(b"content-type", kind)] if kind is not None else []))
