"""Tests of TCP pairs, over socket pairs: what both ends see, and the log (group E of what was observed)."""

import contextlib
import errno
import socket

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, Thresholds
from meshd.snapshot.network_filter import TcpProxy, Tunneling
from meshd.worker.tcp_proxy import TcpPair
from meshd.worker.upstream.connect import IN_PROGRESS
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import CLUSTER, Recorder, Rig, downstream, ending, received, snapshot

REFUSED = "delayed_connect_error:_Connection_refused"
HOST = "10.2.0.1:8080"
EDS = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)


class TcpRig(Rig):
    """One client's connection to a TCP proxy."""

    def __init__(self, config=None, **world):
        """Make a pair that has not been started."""
        super().__init__()
        self.use(snapshot(**world))
        self.closed = []
        self.client, self.tcp = self.pair_up(config)

    def pair_up(self, config=None):
        """Give another client's end and its pair."""
        ours, theirs = self.pair()
        stream = Stream(self.poller, ours, Recorder())
        made = TcpPair(self.resources, stream, downstream("tcp"), config or TcpProxy("tcp", CLUSTER), self.lines.append, self.closed.append)
        return theirs, made

    def tell(self):
        """Give flags, failure, bytes received and sent, host and cluster of each line."""
        return [
            (line.flags, line.failure, line.bytes_received, line.bytes_sent, line.upstream_host.text if line.upstream_host else "",
             line.cluster.name if line.cluster else "")
            for line in self.lines
        ]


@pytest.fixture
def make():
    """Give a maker of rigs."""
    made = []

    def build(config=None, **world):
        made.append(TcpRig(config, **world))
        return made[-1]

    yield build
    for rig in made:
        rig.tcp.break_off()
        rig.close()


def test_bytes_both_ways(make):
    """Echo, and the client closes (E.echo)."""
    rig = make()
    rig.tcp.start(CLUSTER, b"")
    rig.client.send(b"hello")
    rig.pump()
    got = rig.asked()
    rig.answer(b"echo:hello")
    back = received(rig.client)
    rig.client.close()
    rig.pump()
    half = ending(rig.origins[0])
    rig.origins[0].close()
    rig.pump()
    assert (b"hello", b"echo:hello", "fin", [("", "", 5, 10, HOST, CLUSTER)], 1) == (got, back, half, rig.tell(), len(rig.closed))


def test_first_bytes_are_forwarded_and_counted(make):
    """What was read while the protocol was recognised comes first."""
    rig = make()
    rig.client.send(b"world")
    rig.tcp.start(CLUSTER, b"hello")
    rig.pump()
    assert (b"helloworld", 10) == (rig.asked(), rig.tcp.bytes_received)


def test_half_close_is_passed_on_both_ways(make):
    """The other direction goes on (E.client-half-closes, E.upstream-half-closes)."""
    rig = make()
    rig.tcp.start(CLUSTER, b"")
    rig.client.send(b"hello")
    rig.client.shutdown(socket.SHUT_WR)
    rig.pump()
    asked, state = rig.asked(), ending(rig.origins[0])
    rig.answer(b"answer")
    rig.origins[0].shutdown(socket.SHUT_WR)
    rig.pump()
    assert (b"hello", "fin", b"answer", "fin") == (asked, state, received(rig.client), ending(rig.client))
    assert [("", "", 5, 6, HOST, CLUSTER)] == rig.tell()


def test_a_half_close_that_came_with_the_first_bytes(make):
    """The client's end is passed on after the connect."""
    rig = make()
    rig.client.shutdown(socket.SHUT_WR)
    rig.tcp.up.source.resume()
    rig.pump(1)
    rig.tcp.start(CLUSTER, b"hello")
    rig.pump()
    assert (b"hello", "fin") == (rig.asked(), ending(rig.origins[0]))


def test_everything_is_written_before_the_end(make):
    """A slow client gets all of a large answer although the upstream has long closed."""
    rig = make()
    rig.tcp.start(CLUSTER, b"")
    payload = bytes(range(256)) * 12_000
    origin = rig.origins[0]
    origin.setblocking(False)
    left, got = memoryview(payload), b""
    for turn in range(6000):
        if left:
            with contextlib.suppress(BlockingIOError):
                left = left[origin.send(left):]
            if not left:
                origin.shutdown(socket.SHUT_WR)
                rig.client.shutdown(socket.SHUT_WR)
        rig.pump(1)
        if turn > 200:
            got += received(rig.client)
        if rig.lines:
            break
    got += received(rig.client)
    assert (True, [("", "", 0, len(payload), HOST, CLUSTER)]) == (got == payload, rig.tell())


@pytest.mark.parametrize(("first", "state"), [(b"", "fin"), (b"hello", "fin")])
def test_a_refused_connect(make, first, state):
    """UF,URX after one attempt; bytes that were taken count as never received (E.refused)."""
    rig = make()
    rig.refusals = [errno.ECONNREFUSED]
    rig.tcp.start(CLUSTER, first)
    assert ([("UF,URX", REFUSED, 0, 0, HOST, CLUSTER)], state, "") == (rig.tell(), ending(rig.client), rig.tcp.upstream_local)


def test_a_connect_that_times_out(make):
    """UF,URX without a reason (E.timeout)."""
    rig = make(cluster=attrs.evolve(EDS, connect_timeout=1.0))
    rig.refusals = [IN_PROGRESS]
    rig.tcp.start(CLUSTER, b"")
    rig.advance(0.9)
    before = rig.tell()
    rig.advance(0.2)
    assert ([], [("UF,URX", "", 0, 0, HOST, CLUSTER)], "fin") == (before, rig.tell(), ending(rig.client))


def test_several_attempts(make):
    """Each attempt picks afresh; the failure of an earlier one stays in the line (E.refused-attempts)."""
    rig = make(TcpProxy("tcp", CLUSTER, max_connect_attempts=3), endpoints=(("10.2.0.1", 8080), ("10.2.0.2", 8080)))
    rig.refusals = [errno.ECONNREFUSED, errno.ECONNREFUSED]
    rig.tcp.start(CLUSTER, b"")
    rig.client.send(b"hi")
    rig.pump()
    rig.tcp.break_off()
    assert ([("", REFUSED, 2, 0, HOST, CLUSTER)], 3) == (rig.tell(), rig.lines[0].attempts)


@pytest.mark.parametrize(("cluster", "endpoints", "expected"), [
    ("absent", (("10.2.0.1", 8080),), ("NC", "", 0, 0, "", "")), (CLUSTER, (), ("UH", "", 0, 0, "", CLUSTER)),
])
def test_nowhere_to_go(make, cluster, endpoints, expected):
    """NC without a cluster, UH without a host (E.no-cluster, E.no-endpoint)."""
    rig = make(endpoints=endpoints)
    rig.tcp.start(cluster, b"")
    assert ([expected], "fin", 1) == (rig.tell(), ending(rig.client), len(rig.closed))


def test_the_connection_limit(make):
    """One more than `max_connections` is closed with UO; the place is free again afterwards (E.overflow)."""
    rig = make(cluster=attrs.evolve(EDS, thresholds=Thresholds(max_connections=1)))
    rig.tcp.start(CLUSTER, b"")
    other, second = rig.pair_up()
    second.start(CLUSTER, b"")
    rig.tcp.break_off()
    _, third = rig.pair_up()
    third.start(CLUSTER, b"")
    third.break_off()
    assert (["UO", "", ""], "fin", 0) == ([line.flags for line in rig.lines], ending(other), rig.resources.clusters.live[CLUSTER].connections)


def test_an_upstream_that_resets(make):
    """UR, and the client's connection is reset (E.upstream-resets); unread bytes at the origin make its close a reset."""
    rig = make()
    rig.tcp.start(CLUSTER, b"")
    rig.client.send(b"hello")
    rig.pump()
    rig.origins[0].close()
    rig.pump()
    assert [("UR", "", 5, 0, HOST, CLUSTER)] == rig.tell()


def test_a_client_that_resets(make):
    """No flag; the upstream connection ends, too (E.client-resets)."""
    rig = make()
    rig.tcp.start(CLUSTER, b"")
    rig.answer(b"unread")
    rig.client.close()
    rig.pump()
    assert ([("", "", 0, 6, HOST, CLUSTER)], True) == (rig.tell(), ending(rig.origins[0]) != "open")


def test_a_client_that_resets_while_connecting(make):
    """The connect is given up."""
    rig = make()
    rig.refusals = [IN_PROGRESS]
    rig.tcp.start(CLUSTER, b"")
    rig.tcp.lost(rig.tcp.up, errno.ECONNRESET)
    rig.advance(20.0)
    assert [("", "", 0, 0, HOST, CLUSTER)] == rig.tell()


def test_the_idle_timeout(make):
    """Closed when no byte has moved either way, at most an eighth late; bytes put it off (E.idle)."""
    rig = make(TcpProxy("tcp", CLUSTER, idle_timeout=8.0))
    rig.tcp.start(CLUSTER, b"")
    for _ in range(5):
        rig.advance(5.0)
        rig.answer(b"x")
        received(rig.client)
    alive = rig.tell()
    for _ in range(10):
        rig.advance(1.0)
    assert ([], [("", "", 0, 5, HOST, CLUSTER)], "fin") == (alive, rig.tell(), ending(rig.client))


def test_a_slow_reader_is_not_idle(make):
    """What it takes of what waits for it puts the idle timeout off, although nothing new comes."""
    rig = make(TcpProxy("tcp", CLUSTER, idle_timeout=8.0))
    rig.tcp.start(CLUSTER, b"")
    origin = rig.origins[0]
    origin.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            origin.send(bytes(65536))
            rig.pump(2)
    waiting = rig.tcp.down.moved - rig.tcp.down.delivered
    rig.tcp.down.source.pause()  # nothing new comes
    while rig.tcp.down.moved > rig.tcp.down.delivered:
        rig.client.recv(1 << 18)
        rig.pump(1)
        rig.advance(9.0)
        rig.tcp.down.source.pause()
    alive = rig.tell()
    for _ in range(12):
        rig.advance(1.0)
    assert (True, [], 1) == (waiting > 0, alive, len(rig.tell()))


@pytest.mark.parametrize("busy", [True, False])
def test_the_longest_life_of_a_connection(make, busy):
    """Busy or not, it is closed then, with DT (E.max-age)."""
    rig = make(TcpProxy("tcp", CLUSTER, max_connection_duration=8.0))
    rig.tcp.start(CLUSTER, b"")
    for _ in range(7):
        rig.advance(1.0)
        if busy:
            rig.answer(b"x")
            received(rig.client)
    before = rig.tell()
    rig.advance(1.1)
    assert ([], [("DT", "", 0, 7 * busy, HOST, CLUSTER)], "fin") == (before, rig.tell(), ending(rig.client))
    rig.advance(10.0)
    assert 1 == len(rig.lines)


def test_the_longest_life_ends_a_connect(make):
    """Which does not put it off."""
    rig = make(TcpProxy("tcp", CLUSTER, max_connection_duration=0.5))
    rig.refusals = [IN_PROGRESS]
    rig.tcp.start(CLUSTER, b"")
    rig.advance(0.6)
    rig.advance(20.0)
    assert ["DT"] == [line.flags for line in rig.lines]


def test_counts_go_back(make):
    """Hosts and clusters count what is in flight, and nothing afterwards; the line has the times."""
    rig = make()
    rig.tcp.start(CLUSTER, b"")
    host = rig.tcp.upstream_host
    during = (host.active, rig.resources.clusters.live[CLUSTER].connections)
    rig.clock.advance(2.0)
    rig.tcp.drain()
    rig.tcp.break_off()
    rig.tcp.break_off()
    after = (host.active, rig.resources.clusters.live[CLUSTER].connections)
    assert ((1, 1), (0, 0), 1, 2.0) == (during, after, len(rig.lines), rig.lines[0].duration)


TUNNEL = Tunneling("far.test:443")
THROUGH = TcpProxy("tcp", CLUSTER, tunnel=TUNNEL, max_connect_attempts=2)
CONNECT = b"CONNECT far.test:443 HTTP/1.1\r\nhost: far.test:443\r\n\r\n"


def test_through_a_tunnel(make):
    """The proxy is asked first; what the client sends meanwhile waits, and what comes with the answer is forwarded."""
    rig = make(THROUGH)
    rig.tcp.start(CLUSTER, b"he")
    rig.client.send(b"llo")
    rig.pump()
    first = rig.asked()
    rig.answer(b"HTTP/1.1 200 OK\r\n\r\nwelcome")
    rig.pump()
    assert (CONNECT, b"hello", b"welcome") == (first, rig.asked(), received(rig.client))
    rig.answer(b"!")
    assert b"!" == received(rig.client)


def test_the_end_of_a_tunnel(make):
    """Either side's end is the end, written out before."""
    for end in ("client", "proxy"):
        rig = make(THROUGH)
        rig.tcp.start(CLUSTER, b"hello")
        rig.answer(b"HTTP/1.1 200 OK\r\n\r\nbye")
        if end == "client":
            rig.client.shutdown(socket.SHUT_WR)
        else:
            rig.asked()
            rig.origins[0].close()
        rig.pump()
        assert [("", "", 5, 3, HOST, CLUSTER)] == rig.tell()
        if end == "client":
            assert (CONNECT + b"hello", "fin") == (rig.asked(), ending(rig.origins[0]))
        else:
            assert (b"bye", "fin") == (received(rig.client), ending(rig.client))


def test_a_proxy_that_refuses(make):
    """Another attempt, then the client is reset as if its bytes had never been read; the last answer is told."""
    rig = make(THROUGH)
    rig.tcp.start(CLUSTER, b"hello")
    rig.answer(b"HTTP/1.1 503 No\r\n\r\n")
    rig.answer(b"HTTP/1.1 407 No\r\n\r\n")
    assert ([("UF,URX", "tunnel_response:407", 0, 0, HOST, CLUSTER)], 2) == (rig.tell(), len(rig.origins))
    cluster = rig.resources.clusters.live[CLUSTER]
    assert (0, 0) == (cluster.connections, sum(host.active for host in cluster.hosts.values()))


def test_a_proxy_that_never_answers(make):
    """The cluster's connect timeout counts for the answer, too; a client that goes meanwhile ends it."""
    rig = make(attrs.evolve(THROUGH, max_connect_attempts=1), cluster=attrs.evolve(EDS, connect_timeout=2.0))
    rig.tcp.start(CLUSTER, b"")
    rig.advance(2.1)
    assert [("UF,URX", "", 0, 0, HOST, CLUSTER)] == rig.tell()
    rig = make(THROUGH)
    rig.tcp.start(CLUSTER, b"")
    rig.tcp.break_off()
    rig.advance(30.0)
    assert ([("", "", 0, 0, HOST, CLUSTER)], "fin") == (rig.tell(), ending(rig.origins[0]))


def test_a_tunnel_by_post_is_closed(make):
    """It is not served, and nobody's bytes go where they were not meant to."""
    rig = make(attrs.evolve(THROUGH, tunnel=attrs.evolve(TUNNEL, use_post=True)))
    rig.tcp.start(CLUSTER, b"hello")
    assert ([("UF,URX", "tunnel_by_POST", 0, 0, "", CLUSTER)], 0) == (rig.tell(), len(rig.origins))


@pytest.mark.parametrize("config", [None, THROUGH])
def test_upstreams_are_told_of_clients(make, config):
    """First of all, and not counted."""
    rig = make(config, cluster=attrs.evolve(EDS, proxy_protocol="V1"))
    rig.tcp.start(CLUSTER, b"hello")
    rig.pump()
    header = b"PROXY TCP4 10.0.0.9 10.1.0.1 4000 80\r\n"
    assert header + (b"hello" if config is None else CONNECT) == rig.asked()
    rig.tcp.break_off()
    assert (0 if config else 5) == rig.lines[0].bytes_received
