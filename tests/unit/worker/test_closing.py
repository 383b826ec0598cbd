"""Tests of the delayed close, over socket pairs."""

import socket

import pytest

from meshd.worker.closing import PATIENCE, Lingering, give_up_when_stuck
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import Recorder, ending

DELAY = 1.0


@pytest.fixture
def lingering(rig):
    """Give a lingering stream's peer and the list of its ends."""
    ours, theirs = rig.pair()
    closed = []
    Lingering(Stream(rig.poller, ours, Recorder()), rig.wheel, DELAY, lambda: closed.append(1))
    return theirs, closed


def test_the_client_may_close_first(rig, lingering):
    """The client's FIN ends it at once, and the timer with it."""
    peer, closed = lingering
    peer.shutdown(socket.SHUT_WR)
    rig.pump()
    rig.advance(2.0)
    assert ([1], "fin") == (closed, ending(peer))


def test_time_ends_it_whatever_the_client_sends(rig, lingering):
    """Bytes are thrown away and do not extend the second."""
    peer, closed = lingering
    for _ in range(9):
        peer.send(b"x")
        rig.advance(DELAY / 10)
    before = list(closed)
    rig.advance(DELAY / 5)
    assert ([], [1]) == (before, closed)


def test_a_reset_ends_it(rig, lingering):
    """A connection that fails is over."""
    peer, closed = lingering
    peer.close()
    rig.pump()
    assert [1] == closed


def test_a_peer_that_takes_nothing_is_given_up(rig):
    """Each second in which it takes something gives it another one; then it is over."""
    ours, theirs = rig.pair()
    stream, stuck, most = Stream(rig.poller, ours, Recorder()), [], 4_000_000
    stream.write(b"x" * most)
    give_up_when_stuck(stream, rig.wheel, DELAY, lambda: stuck.append(stream.queued))
    for _ in range(3):
        theirs.recv(1_000_000)
        rig.pump()
        rig.advance(DELAY * 1.1)
    before = list(stuck)
    rig.advance(DELAY * 1.1)
    rig.advance(DELAY * 1.1)
    assert ([], 1, True) == (before, len(stuck), 0 < stuck[0] < most)


def test_without_a_delay_a_peer_that_takes_nothing_is_given_up_as_well(rig):
    """A delayed close of 0 seconds does not keep a stuck connection for ever."""
    ours, _theirs = rig.pair()
    stream, stuck = Stream(rig.poller, ours, Recorder()), []
    stream.write(b"x" * 4_000_000)
    give_up_when_stuck(stream, rig.wheel, 0.0, lambda: stuck.append(1))
    rig.advance(PATIENCE * 1.1)
    assert [1] == stuck


def test_who_has_taken_all_is_let_alone(rig):
    """Nothing queued, nothing to watch, then or later."""
    ours, theirs = rig.pair()
    stream, stuck = Stream(rig.poller, ours, Recorder()), []
    give_up_when_stuck(stream, rig.wheel, DELAY, lambda: stuck.append(1))
    stream.write(b"x" * 1_000_000)
    give_up_when_stuck(stream, rig.wheel, DELAY, lambda: stuck.append(1))
    while stream.queued:
        theirs.recv(1_000_000)
        rig.pump()
    rig.advance(DELAY * 3)
    assert [] == stuck
