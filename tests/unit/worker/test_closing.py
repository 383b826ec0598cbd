"""Tests of the delayed close, over socket pairs."""

import socket

import pytest

from meshd.worker.closing import DELAYED_CLOSE, Lingering
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import Recorder, Rig, ending


@pytest.fixture
def rig():
    """Give a worker's parts."""
    made = Rig()
    yield made
    made.close()


@pytest.fixture
def lingering(rig):
    """Give a lingering stream's peer and the list of its ends."""
    ours, theirs = rig.pair()
    closed = []
    Lingering(Stream(rig.poller, ours, Recorder()), rig.wheel, lambda: closed.append(1))
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
        rig.advance(DELAYED_CLOSE / 10)
    before = list(closed)
    rig.advance(DELAYED_CLOSE / 5)
    assert ([], [1]) == (before, closed)


def test_a_reset_ends_it(rig, lingering):
    """A connection that fails is over."""
    peer, closed = lingering
    peer.close()
    rig.pump()
    assert [1] == closed
