"""Tests of streams, over socket pairs."""

import contextlib
import errno
import select
import socket

import pytest

from meshd.worker.wire.stream import BUFFER, GATHERED, LARGE, SHARE, Stream
from tests.helpers.worker_rig import Recorder, ending, received

BIG = bytes(range(256)) * 16384  # 4 MiB, more than any socket buffer

HIGH = BUFFER // SHARE
LOW = HIGH // SHARE


@pytest.fixture
def stream(rig):
    """Give a stream with its owner and its peer as attributes."""
    ours, theirs = rig.pair()
    owner = Recorder()
    made = Stream(rig.poller, ours, owner)
    yield made, owner, theirs
    made.close()


def drain(rig, peer, size, turns=2000):
    """Read a number of bytes at the peer while the poller works."""
    data = b""
    for _ in range(turns):
        data += received(peer)
        if len(data) >= size:
            break
        rig.pump(1)
    return data


@pytest.mark.parametrize(("limit", "kept"), [(0, BUFFER), (1 << 22, 1 << 22), (32768, 32768), (1, 1)])
def test_what_is_held_is_bounded_as_configured(rig, limit, kept):
    """Reads and the queue at which a feeder pauses come to less than the limit; 0 is the usual one."""
    ours, theirs = rig.pair()
    owner = Recorder()
    made = Stream(rig.poller, ours, owner, limit=limit)
    theirs.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(100):
            theirs.send(b"x" * 65536)
    sizes = []
    owner.then = lambda data: sizes.append(len(data))
    rig.pump(4)
    made.pause()
    while not made.full:
        made.write(b"y" * max(sizes))
    assert (kept, True) == (made.limit, made.queued <= max(made.limit, 1))


def test_reads_what_comes(rig, stream):
    """Bytes reach the owner, as they come and byte by byte."""
    _, owner, peer = stream
    for piece in (b"hello", b"", *[bytes((byte,)) for byte in b"world"]):
        peer.send(piece)
        rig.pump(1)
    assert (b"helloworld", []) == (owner.data, owner.events)


def test_writes_at_once(rig, stream):
    """A write that the socket takes needs no turn of the poller."""
    made, _, peer = stream
    made.write(b"hello")
    assert (b"hello", 0, False) == (received(peer), made.queued, made.full)


def test_queues_what_the_socket_does_not_take(rig, stream):
    """A short write is completed in order when the peer reads; later writes wait behind it."""
    made, owner, peer = stream
    made.write(BIG)
    made.write(b"tail")
    queued = made.queued
    data = drain(rig, peer, len(BIG) + 4)
    assert (True, True, 0, False) == (data == BIG + b"tail", queued > HIGH, made.queued, made.full)
    assert ["room"] == owner.events


def test_room_is_told_once_below_the_low_mark(rig, stream):
    """A full stream has room when its queue is down to the low mark, not before."""
    made, owner, peer = stream
    made.write(BIG)
    seen = []
    for _ in range(2000):
        if owner.events:
            seen.append(made.queued)
            break
        received(peer)
        rig.pump(1)
    assert (["room"], True) == (owner.events, seen[0] <= LOW)


def test_many_small_writes_are_gathered(rig, stream):
    """Pieces queued behind a short write arrive in order."""
    made, _, peer = stream
    made.write(BIG)
    pieces = [b"%05d" % number for number in range(1000)]
    for piece in pieces:
        made.write(piece)
    assert b"".join(pieces) == drain(rig, peer, len(BIG) + 5000)[len(BIG):]


@pytest.mark.parametrize("pieces", [
    [b"one"], [b"head", b"body"], [b"head", b"x" * LARGE, b"", b"tail"], [b"x" * LARGE, b"y" * LARGE],
    [b"%05d" % number * 100 for number in range(GATHERED + 1)], [b"head", BIG, b"tail"], [BIG, BIG, b"tail"],
], ids=["one", "small", "large", "two large", "many", "short write in a piece", "short write before pieces"])
def test_pieces_arrive_as_one(rig, stream, pieces):
    """However many and however large they are; what the socket does not take waits in order, and what is written next behind it."""
    made, _, peer = stream
    expected = b"".join(pieces) + b"next, more"
    given = list(pieces)
    made.write_pieces(given)
    made.write_pieces([b"next", b", more"])
    assert (True, []) == (drain(rig, peer, len(expected)) == expected, given)
    assert 0 == made.queued


def test_pieces_that_cannot_be_written(rig, stream):
    """The failure is told at the next event, and nothing is queued."""
    made, owner, peer = stream
    made.socket.shutdown(socket.SHUT_WR)
    made.write_pieces([b"x" * LARGE, b"tail"])
    assert ([], 0) == (owner.events, made.queued)
    peer.close()
    rig.pump()
    assert [("lost", errno.EPIPE)] == owner.events


def test_pause_leaves_bytes_in_the_kernel(rig, stream):
    """A paused stream takes nothing; after resume everything comes."""
    made, owner, peer = stream
    made.pause()
    peer.send(b"hello")
    rig.pump()
    before = owner.data
    made.resume()
    rig.pump()
    assert (b"", b"hello") == (before, owner.data)


def test_half_close_of_the_peer_keeps_our_direction(rig, stream):
    """After the peer's FIN writing still works, and the end is told once."""
    made, owner, peer = stream
    peer.shutdown(socket.SHUT_WR)
    rig.pump()
    made.write(b"answer")
    assert (["end"], b"answer", True) == (owner.events, received(peer), made.ended)


def test_finish_half_closes_after_what_is_queued(rig, stream):
    """Our FIN comes behind the queued bytes; the peer's bytes still arrive."""
    made, owner, peer = stream
    made.write(BIG)
    made.finish()
    assert not made.finished
    data = drain(rig, peer, len(BIG))
    rig.pump()
    state = ending(peer)
    peer.send(b"more")
    rig.pump()
    assert (len(BIG), "fin", b"more", True) == (len(data), state, owner.data, made.finished)


def test_both_directions_closed_do_not_spin(rig, stream):
    """A stream closed both ways whose owner has not closed it yet is not reported for ever."""
    made, owner, peer = stream
    made.finish()
    peer.shutdown(socket.SHUT_WR)
    rig.pump(3)
    assert ([], ["end"]) == (select.select([rig.poller], [], [], 0)[0], owner.events)


def test_bytes_before_a_hangup_are_read_after_resume(rig, stream):
    """A paused stream whose peer is gone keeps what came; it is read after resume, then the end."""
    made, owner, peer = stream
    made.pause()
    peer.send(b"last words")
    peer.close()
    rig.pump()
    made.resume()
    rig.pump()
    assert (b"last words", ["end"]) == (owner.data, owner.events)


def test_a_watched_hangup_is_told_while_paused(rig, stream):
    """With `watch_hangup` a half-close is an end even though reading is paused."""
    made, owner, peer = stream
    made.watch_hangup = True
    peer.send(b"unread")
    made.pause()
    peer.shutdown(socket.SHUT_WR)
    rig.pump()
    assert (["end"], b"") == (owner.events, owner.data)


def test_a_failed_write_is_told_at_the_next_event(rig, stream):
    """Writing to a closed peer raises nothing and calls nobody from within; the owner hears of it next."""
    made, owner, peer = stream
    peer.close()
    made.write(b"x")
    within = list(owner.events)
    made.write(b"y")
    rig.pump()
    assert ([], [("lost", errno.EPIPE)], -1) == (within, owner.events, made.fd)


def test_close_drops_everything(rig, stream):
    """After close nothing is written, read or told; closing again is harmless."""
    made, owner, _ = stream
    made.write(BIG)
    made.close()
    made.close()
    made.write(b"late")
    made.write_pieces([b"x" * LARGE, b"late"])
    made.pause()
    made.resume()
    rig.pump()
    assert ([], 0, -1) == (owner.events, made.queued, made.fd)


def test_a_bug_in_the_owner_ends_this_stream_only(rig, stream):
    """What the owner raises closes its stream and tells it; another stream goes on."""
    made, owner, peer = stream
    ours, theirs = rig.pair()
    other = Recorder()
    second = Stream(rig.poller, ours, other)

    def fail(data):
        raise KeyError("bug")

    owner.then = fail
    errors = []
    from meshd.worker.wire import poller
    before, poller.log = poller.log, type("Log", (), {"failure": lambda self, *args, **named: errors.append(args)})()
    try:
        peer.send(b"x")
        theirs.send(b"y")
        rig.pump()
    finally:
        poller.log = before
    assert (["broken"], -1, b"y", 1) == (owner.events, made.fd, other.data, len(errors))
    second.close()


def test_when_written_calls_at_once_or_later(rig, stream):
    """`when_written` calls when nothing is queued, or as soon as that is so."""
    made, _, peer = stream
    called = []
    made.when_written(lambda: called.append("now"))
    made.write(BIG)
    made.when_written(lambda: called.append("later"))
    before = list(called)
    drain(rig, peer, len(BIG))
    rig.pump()
    assert (["now"], ["now", "later"]) == (before, called)


def test_take_can_be_replaced(rig, stream):
    """`take_by` is called instead of reading, until `read_plainly`."""
    made, owner, peer = stream
    taken = []
    made.take_by(lambda: taken.append(made.socket.recv(100)))
    peer.send(b"one")
    rig.pump(1)
    made.read_plainly()
    peer.send(b"two")
    rig.pump(1)
    assert ([b"one"], b"two") == (taken, owner.data)


def test_hand_to_moves_events(rig, stream):
    """Another owner gets what comes from now on."""
    made, owner, peer = stream
    other = Recorder()
    made.hand_to(other)
    peer.send(b"x")
    rig.pump()
    assert (b"", b"x") == (owner.data, other.data)


def test_a_connecting_stream_queues_and_tells(rig):
    """Writes before the connect are queued and sent after it; then the owner is told."""
    ours, theirs = rig.pair()
    owner = Recorder()
    made = Stream(rig.poller, ours, owner, connecting=True)
    made.pause()
    made.resume()
    rig.pump()
    made.write(b"x")
    assert (["connected"], False, b"x") == (owner.events, made.connecting, received(theirs))


def test_reset_sends_rst(rig):
    """`reset` leaves nothing of a TCP connection but an RST."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        ours.setblocking(False)
        Stream(rig.poller, ours, Recorder()).reset()
        assert "reset" == ending(theirs)
        theirs.close()
