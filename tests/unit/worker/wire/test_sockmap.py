"""Tests of one way of a pair in the kernel, with a kernel of our own."""

import socket

import pytest

from meshd.ipc.forwarding import GRANT, SEGMENT, WAY, cookie_of
from meshd.worker.wire import sockmap
from meshd.worker.wire.sockmap import CREDIT, KernelWay


class Elements(dict):
    """A map; `full` has it refuse."""

    full = False

    def put(self, key, value):
        """Set."""
        if self.full:
            raise OSError("full")
        self[key] = value

    def delete(self, key):
        """Remove."""
        self.pop(key, None)


class Maps:
    """The maps of a worker."""

    def __init__(self):
        self.sockets, self.ways, self.grants = Elements(), Elements(), Elements()


class Stream:
    """A stream that says how it is watched."""

    def __init__(self):
        self.socket, self._other = socket.socketpair()
        self.fd = self.socket.fileno()
        self.queued = 0
        self.watched = "read"
        self.acts = None

    def leave_to_kernel(self, acts):
        """Only the end is of interest."""
        self.watched, self.acts = "end", acts

    def wait_for_kernel(self, acts):
        """Nothing but failures is."""
        self.watched, self.acts = "failure", acts

    def read_again(self):
        """Bytes are."""
        self.watched = "read"

    def close(self):
        """Close both ends."""
        self.socket.close()
        self._other.close()


class Rig:
    """
    One way.

    Attributes:
        received: By the source.
        written: By the target.
        moved: What the way told.
    """

    def __init__(self):
        self.maps = Maps()
        self.source, self.target = Stream(), Stream()
        self.received = self.written = self.moved = 0
        self.events = []
        self.cookie = cookie_of(self.source.socket)
        self.way = self.make()

    def make(self):
        """Put the way into the maps."""
        return KernelWay(self.maps, self.source, self.target, self.count, self.events.append)

    def count(self, moved):
        """Take what was forwarded."""
        self.moved += moved

    def carry(self, size, segments=1, *, left=0, written=True):
        """Have the kernel forward bytes, and leave others."""
        peer, before, forwarded, number = WAY.unpack(self.maps.ways[self.cookie])
        self.maps.ways[self.cookie] = WAY.pack(peer, before + left, forwarded + size, number + segments)
        self.received += size + left
        if written:
            self.written += size

    @property
    def grant(self):
        """What is granted."""
        found = self.maps.grants.get(self.cookie)
        return found and GRANT.unpack(found)


@pytest.fixture
def rig(monkeypatch):
    """Give a way."""
    made = Rig()
    monkeypatch.setattr(sockmap, "bytes_received", lambda descriptor: made.received)
    monkeypatch.setattr(sockmap, "bytes_written", lambda descriptor: made.written)
    yield made
    made.source.close()
    made.target.close()


def test_bytes_are_left_to_the_worker_at_first(rig):
    """The source is in the map, its way leads to the target, and nothing is granted."""
    assert (cookie_of(rig.target.socket), 0, 0, 0) == WAY.unpack(rig.maps.ways[rig.cookie])
    assert ({rig.cookie: rig.source.fd.to_bytes(4, "little")}, None, "worker") == (rig.maps.sockets, rig.grant, rig.way.phase)


def test_a_full_map_leaves_nothing_behind(rig):
    """The worker goes on by itself."""
    rig.way.forget()
    rig.maps.sockets.full = True
    with pytest.raises(OSError, match="full"):
        rig.make()
    assert ({}, {}) == (rig.maps.ways, rig.maps.grants)


@pytest.mark.parametrize(("received", "queued"), [(11, 0), (10, 1)])
def test_bytes_that_wait_go_first(rig, received, queued):
    """Unread ones, a FIN that counts as one, and unwritten ones."""
    rig.received, rig.target.queued = received, queued
    assert (False, None, "read") == (rig.way.enter(10), rig.grant, rig.source.watched)


def test_bytes_that_come_meanwhile_void_the_grant(rig):
    """They were left to the worker under the eyes of the program."""
    put = rig.maps.grants.put

    def put_late(key, value):
        put(key, value)
        rig.carry(0, 0, left=5)

    rig.maps.grants.put = put_late
    assert (False, "read") == (rig.way.enter(0), rig.source.watched)
    rig.way.leave()
    assert (True, "worker", "read", None) == (rig.way.settle(), rig.way.phase, rig.source.watched, rig.grant)


def test_what_is_granted(rig):
    """All that was left is known, and the credit begins."""
    rig.carry(0, 0, left=10)
    assert (True, "kernel", "end", (10, CREDIT)) == (rig.way.enter(10), rig.way.phase, rig.source.watched, rig.grant)
    rig.source.acts()
    assert [rig.way] == rig.events


def test_credit_follows_what_is_written(rig):
    """At once, or one look later while something is always under way; never for what is not."""
    rig.way.enter(0)
    rig.carry(100, 2)
    spent = 100 + 2 * SEGMENT
    assert (True, (0, spent + CREDIT)) == (rig.way.renew(), rig.grant)
    rig.carry(50, written=False)
    assert (True, (0, spent + CREDIT)) == (rig.way.renew(), rig.grant)
    rig.written += 50
    rig.carry(7, written=False)
    assert (True, (0, spent + 50 + SEGMENT + CREDIT)) == (rig.way.renew(), rig.grant)
    assert (True, (0, spent + 50 + SEGMENT + CREDIT)) == (rig.way.renew(), rig.grant)
    assert 157 == rig.moved


def test_a_grant_that_is_used_up(rig):
    """Bytes were left to the worker."""
    rig.way.enter(0)
    rig.carry(100, left=1)
    assert not rig.way.renew()


def test_the_way_back_waits_for_what_was_forwarded(rig):
    """Nothing is read that would overtake it."""
    rig.way.enter(0)
    rig.carry(100, written=False)
    rig.way.leave()
    assert (False, "settling", "failure", None) == (rig.way.settle(), rig.way.phase, rig.source.watched, rig.grant)
    rig.carry(0, 0, left=4)
    rig.written += 99
    assert not rig.way.settle()
    rig.written += 1
    assert (True, "worker", "read", 100) == (rig.way.settle(), rig.way.phase, rig.source.watched, rig.moved)
    assert (True, (4, 100 + SEGMENT + CREDIT)) == (rig.way.enter(104), rig.grant)


def test_the_end(rig):
    """The last bytes are counted; the maps hold nothing more but the socket, which goes as it is closed."""
    rig.way.enter(0)
    rig.carry(5)
    rig.way.forget()
    assert (5, {}, {}) == (rig.moved, rig.maps.ways, rig.maps.grants)
