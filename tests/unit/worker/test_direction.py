"""Tests of one way of a pair, over socket pairs."""

import contextlib
import os
import socket

import pytest

from meshd.worker.direction import BULK_READS, Direction
from meshd.worker.wire.splice import Pipes
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import received


class Pair:
    """Notes what its ways tell."""

    def __init__(self):
        self.events = []

    def connected(self):
        """Note."""
        self.events.append("connected")

    def way_ended(self, way):
        """Note."""
        self.events.append(("ended", way))

    def lost(self, way, code):
        """Note."""
        self.events.append(("lost", way))

    def break_off(self):
        """Note."""
        self.events.append("broken")


@pytest.fixture
def ways(rig):
    """Give both ways of a pair, the pair, and the peers of both ends."""
    pair, pipes = Pair(), Pipes()
    up, down = Direction(pair, pipes), Direction(pair, pipes)
    up.opposite, down.opposite = down, up
    client, client_peer = rig.pair()
    server, server_peer = rig.pair()
    up.source = down.target = Stream(rig.poller, client, up)
    down.source = up.target = Stream(rig.poller, server, down)
    yield up, down, pair, client_peer, server_peer
    for way in (up, down):
        way.release()
        way.source.close()
    pipes.close()


def test_passes_bytes_both_ways_and_counts(rig, ways):
    """Bytes come out at the other end and are counted."""
    up, down, _, client, server = ways
    client.send(b"question")
    rig.pump()
    server.send(b"answer!")
    rig.pump()
    assert (b"question", b"answer!", 8, 7) == (received(server), received(client), up.moved, down.moved)


def test_a_slow_target_pauses_the_source_until_it_has_room(rig, ways):
    """A source is paused while its target is full; everything arrives in the end."""
    up, _, _, client, server = ways
    client.setblocking(False)
    payload = memoryview(os.urandom(3_000_000))
    left, was_paused, got = payload, False, b""
    for turn in range(6000):
        if left:
            with contextlib.suppress(BlockingIOError):
                left = left[client.send(left[:20000]):]
        rig.pump(1)
        was_paused = was_paused or not up.source.reading
        if turn > 400:
            got += received(server)
        if len(got) == len(payload):
            break
    assert (True, True, len(payload)) == (was_paused, got == payload, up.moved)


def test_bulk_is_spliced_and_small_messages_are_not(rig, ways):
    """After large reads in a row a pipe takes over, and is handed back at the end."""
    up, _, pair, client, server = ways
    for _ in range(BULK_READS + 4):
        client.send(b"x" * 65536)
        rig.pump(2)
        received(server)
    spliced = up._splice is not None and up._splice.active
    client.shutdown(socket.SHUT_WR)
    rig.pump()
    assert (True, [("ended", up)], None, (BULK_READS + 4) * 65536) == (spliced, pair.events, up._splice, up.moved)


def test_tells_of_ends_and_losses(rig, ways):
    """Half-closes, resets and bugs are told to the pair."""
    up, down, pair, client, _ = ways
    client.shutdown(socket.SHUT_WR)
    rig.pump()
    down.on_lost(104)
    up.on_broken()
    up.on_connected()
    assert ([("ended", up), ("lost", down), "broken", "connected"], True) == (pair.events, up.done)
