"""Tests of splicing, over socket pairs."""

import contextlib
import os
import socket

import pytest

from meshd.worker.wire.splice import FREE_PIPES, SMALL_READS, Pipes, Splice
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import Recorder, received


class Way:
    """A spliced direction: `sender` -> source => target -> `receiver`."""

    def __init__(self, rig):
        source, self.sender = rig.pair()
        target, self.receiver = rig.pair()
        self.owner, self.target_owner = Recorder(), Recorder()
        self.source = Stream(rig.poller, source, self.owner)
        self.target = Stream(rig.poller, target, self.target_owner)
        self.pipes = Pipes()
        self.moved = []
        self.splice = Splice(self.source, self.target, self.pipes, self.pipes.take(), self.moved.append)

    def close(self):
        """Close all."""
        self.splice.stop()
        self.source.close()
        self.target.close()
        self.pipes.close()


@pytest.fixture
def way(rig):
    """Give a spliced direction."""
    made = Way(rig)
    yield made
    made.close()


def pass_through(rig, way, payload):
    """Send a payload while the poller works, and give what came out."""
    way.sender.setblocking(False)
    left, got = memoryview(payload), b""
    for _ in range(5000):
        if left:
            with contextlib.suppress(BlockingIOError):
                left = left[way.sender.send(left):]
        rig.pump(1)
        got += received(way.receiver)
        if len(got) == len(payload):
            break
    return got


def test_bytes_arrive_and_are_counted(rig, way):
    """Everything comes out in order and is counted, without passing through the owner."""
    payload = os.urandom(3_000_000)
    got = pass_through(rig, way, payload)
    assert (True, len(payload), b"") == (got == payload, sum(way.moved), way.owner.data)


def test_a_slow_target_pauses_the_source(rig, way):
    """What the target does not take stays in the pipe, and the source waits."""
    way.sender.setblocking(False)
    sent = 0
    for _ in range(200):
        with contextlib.suppress(BlockingIOError):
            sent += way.sender.send(b"x" * 65536)
        rig.pump(1)
    paused = not way.source.reading
    got = 0
    for _ in range(2000):
        got += len(received(way.receiver))
        rig.pump(1)
        if got == sent:
            break
    assert (True, sent, True) == (paused, got, way.source.reading)


def test_the_end_comes_after_the_last_byte(rig, way):
    """The source's half-close is told when the pipe is empty."""
    way.sender.send(b"last")
    way.sender.shutdown(socket.SHUT_WR)
    rig.pump()
    assert (["end"], b"last") == (way.owner.events, received(way.receiver))


def test_small_reads_end_splicing(rig, way):
    """After many small reads in a row bytes are read plainly again, and the pipe is handed back."""
    for number in range(SMALL_READS):
        way.sender.send(b"%d," % number)
        rig.pump(1)
    way.sender.send(b"plain")
    rig.pump(1)
    assert (False, b"plain") == (way.splice.active, way.owner.data)


def test_a_gone_target_is_told_to_its_owner(rig, way):
    """Bytes for a target that is gone are lost with it: its owner hears, the source's does not."""
    way.receiver.close()
    way.sender.send(b"x")
    rig.pump()
    assert ([], ("lost", 32)) == (way.owner.events, way.target_owner.events[-1])


def test_pipes_are_used_again():
    """An empty pipe handed back is the next one given; one with bytes in it is closed; few are kept."""
    pipes = Pipes()
    first = pipes.take()
    pipes.give_back(first, empty=True)
    again = pipes.take()
    pipes.give_back(again, empty=False)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(again[0])
    many = [pipes.take() for _ in range(FREE_PIPES + 2)]
    for ends in many:
        pipes.give_back(ends, empty=True)
    kept = sum(1 for ends in many if os.path.exists(f"/proc/self/fd/{ends[0]}"))
    pipes.close()
    assert (first, FREE_PIPES) == (again, kept)


def test_no_pipe_when_descriptors_run_out(monkeypatch):
    """Without descriptors there is no pipe, and no error."""
    def fail(flags):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe2", fail)
    assert Pipes().take() is None
