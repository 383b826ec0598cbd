"""Datagrams of a socket."""

import socket

import pytest

from meshd.dns import datagrams
from meshd.dns.datagrams import BATCH, Datagrams


class FakeReactor:
    """A reactor that knows its readers."""

    def __init__(self):
        """Begin with none."""
        self.readers = []

    def addReader(self, reader):
        """Watch."""
        self.readers.append(reader)

    def removeReader(self, reader):
        """Watch no longer."""
        self.readers.remove(reader)


@pytest.fixture(name="pair")
def _pair():
    """Give a socket, which does not wait, and one that is connected to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        theirs.bind(("127.0.0.1", 0))
        theirs.connect(ours.getsockname())
        yield ours, theirs


def test_takes_what_has_come_in_batches(pair):
    """Each with its sender, cut to the size; what is behind a whole batch waits for the next turn."""
    ours, theirs = pair
    got = []
    reader = Datagrams(FakeReactor(), ours, 3, lambda message, sender: got.append((message, sender)))
    for number in range(BATCH + 2):
        theirs.send(b"%04d" % number)
    reader.doRead()
    assert (BATCH, (b"000", theirs.getsockname())) == (len(got), got[0])
    reader.doRead()
    reader.doRead()
    assert BATCH + 2 == len(got)


def test_a_bug_costs_one_datagram(pair, monkeypatch):
    """It is logged, and the next one is taken."""
    ours, theirs = pair
    told, got = [], []
    monkeypatch.setattr(datagrams.log, "failure", told.append)

    def take(message, sender):
        if message == b"bad":
            raise ZeroDivisionError
        got.append(message)

    reader = Datagrams(FakeReactor(), ours, 100, take)
    theirs.send(b"bad")
    theirs.send(b"good")
    reader.doRead()
    assert (1, [b"good"]) == (len(told), got)


def test_nothing_is_taken_after_it_was_stopped(pair):
    """Not even of the same batch, since its socket is closed then."""
    ours, theirs = pair
    reactor, got = FakeReactor(), []

    def take(message, sender):
        got.append(message)
        reader.stop()

    reader = Datagrams(reactor, ours, 100, take)
    theirs.send(b"1")
    theirs.send(b"2")
    reader.doRead()
    assert ([b"1"], []) == (got, reactor.readers)


def test_errors_of_the_kernel_are_told():
    """As that nobody listens at the other end."""
    lost = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        nobody.bind(("127.0.0.1", 0))
        place = nobody.getsockname()
        nobody.close()
        ours.connect(place)
        ours.send(b"x")
        Datagrams(FakeReactor(), ours, 100, lambda message, sender: None, lambda: lost.append(1)).doRead()
    assert [1] == lost
