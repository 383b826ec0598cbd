"""Streams within TLS, over socket pairs."""

import errno

import pytest
from OpenSSL import SSL

from meshd.snapshot.secret import Secret
from meshd.snapshot.tls import DownstreamTls
from meshd.worker.tls_contexts import build_server
from meshd.worker.wire.stream import LARGE
from meshd.worker.wire.tls_stream import RECORD, TlsStream
from tests.helpers.certificates import Authority
from tests.helpers.tls_rig import client_of, shake, taken
from tests.helpers.worker_rig import Recorder, Rig

LEAF = Authority().issue("a.test")
SERVER = build_server(DownstreamTls((), ("c",), None), {"c": Secret("c", LEAF.chain, LEAF.key)})
BIG = bytes(range(256)) * 16384  # 4 MiB, more than any socket buffer


class Ends:
    """A stream that ends TLS, its owner, and a client."""

    def __init__(self, rig: Rig, *, limit: int = 0) -> None:
        """Do not agree on anything yet."""
        ours, self.peer = rig.pair()
        self.owner = Recorder()
        tls = SSL.Connection(SERVER, ours)
        tls.set_accept_state()
        self.stream = TlsStream(rig.poller, ours, self.owner, tls, limit=limit)
        self.client = client_of(self.peer)


@pytest.fixture
def ends(rig):
    """Give both sides after their handshake."""
    made = Ends(rig)
    shake(rig, made.client)
    yield made
    made.stream.close()


def test_connected_is_when_the_handshake_is_over(rig):
    """What was written before waits for it."""
    ends = Ends(rig)
    ends.stream.write(b"early")
    rig.pump()
    assert [] == ends.owner.events
    shake(rig, ends.client)
    assert ["connected"] == ends.owner.events
    assert b"early" == taken(ends.client)
    assert (True, False) == (ends.stream.encrypted, ends.stream.connecting)


def test_bytes_both_ways(rig, ends):
    """As on a plain stream."""
    ends.client.send(b"ping")
    rig.pump()
    ends.stream.write(b"pong")
    assert (b"ping", b"pong") == (ends.owner.data, taken(ends.client))


def test_pieces_are_encrypted_too(rig, ends):
    """Those which a plain stream would have the kernel gather are joined."""
    pieces = [b"head", b"x" * LARGE]
    ends.stream.write_pieces(pieces)
    assert (b"head" + b"x" * LARGE, []) == (taken(ends.client), pieces)


def test_a_paused_stream_holds_nothing_back(rig, ends):
    """What was not read is in the kernel, where epoll sees it again."""
    sizes = []

    def take(data):
        sizes.append(len(data))
        ends.stream.pause()

    ends.owner.then = take
    ends.client.send(b"x" * RECORD)
    ends.client.send(b"y" * 100)
    rig.pump()
    assert [RECORD] == sizes
    ends.stream.resume()
    rig.pump()
    assert [RECORD, 100] == sizes


def test_a_peer_that_reads_slowly(rig, ends):
    """The queue fills, says so, drains, and everything arrives in order."""
    ends.stream.write(BIG[:2_000_000])
    for place in range(2_000_000, len(BIG), 1000):  # small pieces are joined to records
        ends.stream.write(BIG[place:place + 1000])
    assert ends.stream.full
    data = b""
    for _ in range(4000):
        data += taken(ends.client)
        rig.pump(1)
        if len(data) == len(BIG):
            break
    assert data == BIG
    assert (0, False, ["connected", "room"]) == (ends.stream.queued, ends.stream.full, ends.owner.events)


def test_the_end_of_the_peers_bytes(rig, ends):
    """`close_notify` is; writing is still possible."""
    ends.client.send(b"last")
    ends.client.shutdown()
    rig.pump()
    assert (b"last", ["connected", "end"]) == (ends.owner.data, ends.owner.events)
    ends.stream.write(b"answer")
    ends.stream.finish()
    assert b"answer" == taken(ends.client)
    with pytest.raises(SSL.ZeroReturnError):
        ends.client.recv(1)


def test_a_fin_alone_is_an_end_too(rig, ends):
    """As with Envoy."""
    taken(ends.client)  # unread bytes would make it a reset
    ends.peer.close()
    rig.pump()
    assert ["connected", "end"] == ends.owner.events


def test_half_close_waits_for_the_queue(rig, ends):
    """The peer gets everything, then `close_notify`."""
    ends.stream.write(BIG)
    ends.stream.finish()
    assert not ends.stream.finished
    data = b""
    for _ in range(4000):
        data += taken(ends.client)
        rig.pump(1)
        if ends.stream.finished:
            break
    assert len(data + taken(ends.client)) == len(BIG)
    with pytest.raises(SSL.ZeroReturnError):
        ends.client.recv(1)


def test_closing_tells_the_peer_that_it_was_no_accident(rig, ends):
    """Without a queue; a reset says nothing."""
    ends.stream.close()
    rig.pump(1)
    with pytest.raises(SSL.ZeroReturnError):
        ends.client.recv(1)
    other = Ends(rig)
    shake(rig, other.client)
    other.stream.reset()
    rig.pump(1)
    with pytest.raises(SSL.SysCallError):
        other.client.recv(1)


@pytest.mark.parametrize(("sent", "text"), [
    (b"GET / HTTP/1.1\r\n\r\n", "TLS_error:|268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST:TLS_error_end"),
    (b"\x16\x03\x01\x00\x05hello", ""),
])
def test_garbage_in_the_place_of_a_hello(rig, sent, text):
    """The owner is told, with the reason."""
    ends = Ends(rig)
    ends.peer.send(sent)
    rig.pump()
    assert ([("lost", errno.EPROTO)], -1) == (ends.owner.events, ends.stream.fd)
    assert ends.stream.failure_text.startswith(text or "TLS_error:|")


def test_garbage_in_the_place_of_a_record(rig, ends):
    """As above, later."""
    ends.peer.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    rig.pump()
    assert ["connected", ("lost", errno.EPROTO)] == ends.owner.events


def test_a_peer_that_goes_before_anything_is_agreed_on(rig):
    """It is lost, and nothing was wrong with TLS."""
    ends = Ends(rig)
    ends.peer.close()
    rig.pump()
    assert ([("lost", errno.ECONNRESET)], "") == (ends.owner.events, ends.stream.failure_text)


def test_renegotiation_is_refused(rig):
    """A client of TLS 1.2 that asks for it gets none."""
    ends = Ends(rig)
    ends.client.set_options(SSL.OP_NO_TLSv1_3)
    shake(rig, ends.client)
    assert ends.client.renegotiate()
    for _ in range(4):
        with pytest.raises(SSL.Error):
            ends.client.do_handshake()
        rig.pump()
    assert (["connected", ("lost", errno.EPROTO)], b"") == (ends.owner.events, ends.owner.data)


class Scripted:
    """What OpenSSL would do, step by step."""

    def __init__(self, *steps):
        self.steps = list(steps)

    def do_handshake(self):
        """Be done at once."""

    def recv(self, size):
        """Do the next step."""
        step = self.steps.pop(0) if self.steps else SSL.WantReadError()
        if isinstance(step, Exception):
            raise step
        return step

    send = recv

    def shutdown(self):
        """Say nothing."""


def test_reading_that_has_to_write_first(rig):
    """As a key update whose answer does not fit: it waits for room, not for bytes, and reads then."""
    ours, peer = rig.pair()
    owner = Recorder()
    stream = TlsStream(rig.poller, ours, owner, Scripted(SSL.WantWriteError(), b"after"))
    rig.pump(1)
    assert ["connected"] == owner.events
    peer.send(b"x")
    rig.pump(3)
    assert b"after" == owner.data
    stream.close()


def test_what_is_written_to_one_who_has_gone(rig, ends):
    """It is lost at the next event, never from within `write`."""
    ends.peer.close()
    for _ in range(3):
        ends.stream.write(b"x")
    assert ["connected"] == ends.owner.events
    rig.pump()
    assert ["connected"] != ends.owner.events


def test_a_preface_goes_before_the_handshake(rig):
    """As it is; the handshake follows."""
    ends = Ends(rig)
    ends.stream.preface = b"first"
    rig.pump()
    assert b"first" == ends.peer.recv(5)
    shake(rig, ends.client)
    assert ["connected"] == ends.owner.events


def test_a_preface_that_cannot_be_sent(rig):
    """The connection is lost."""
    ends = Ends(rig)
    ends.stream.preface = b"first"
    ends.peer.close()
    rig.pump()
    assert [("lost", errno.EPIPE)] == ends.owner.events
