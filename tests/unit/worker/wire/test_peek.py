"""Tests of peeking, over socket pairs."""

import select
import socket

from meshd.worker.wire.peek import has_ended, peek, wait_for_any, wait_for_more


def tcp_pair():
    """Give two ends that are connected, the first non-blocking."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def test_looks_without_taking():
    """What was peeked at is there still; nothing is None, the end is empty."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        nothing = peek(ours)
        theirs.send(b"hello")
        first, second, taken = peek(ours), peek(ours), ours.recv(10)
        theirs.close()
        assert (None, b"hello", b"hello", b"hello", b"") == (nothing, first, second, taken, peek(ours))


def test_sees_the_end_behind_unread_bytes():
    """A half-close shows although its bytes have not been taken."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        theirs.send(b"hello")
        before = has_ended(ours)
        theirs.shutdown(socket.SHUT_WR)
        assert (False, True, b"hello") == (before, has_ended(ours), peek(ours))


def test_asks_for_more_than_was_seen():
    """SO_RCVLOWAT is one more than was seen, then one again."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        wait_for_more(ours, 5)
        raised = ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        wait_for_any(ours)
        assert (6, 1) == (raised, ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT))


def test_an_unread_socket_is_readable_again_when_any_byte_will_do():
    """Bytes that were peeked at wake whoever reads next."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        theirs.send(b"hello")
        wait_for_more(ours, 5)
        wait_for_any(ours)
        assert [ours] == select.select([ours], [], [], 0)[0]
