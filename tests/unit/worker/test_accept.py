"""Tests of the first bytes of a connection, over socket pairs."""

import socket

import attrs
import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.worker.accept import Arrival
from tests.helpers.worker_rig import CLUSTER, downstream, ending, snapshot

HTTP_MATCH = FilterChainMatch(transport_protocol="raw_buffer", application_protocols=("http/1.1", "h2c"))
HTTP = FilterChain("http", HTTP_MATCH, HttpConnectionManager("h", "80"))
TLS = FilterChain("tls", FilterChainMatch(server_names=("secure.test",)), TcpProxy("s", CLUSTER))
TCP = FilterChain("tcp", FilterChainMatch(), TcpProxy("t", CLUSTER))
ONLY_HTTP = FilterChain("only", FilterChainMatch(), HttpConnectionManager("h", "80"))
BOTH = (ListenerFilter("tls_inspector"), ListenerFilter("http_inspector"))
SNIFF = Listener("sniff", SocketAddress("0.0.0.0", 80), (HTTP, TLS), TCP, bind_to_port=True, listener_filters=BOTH)
REQUEST = b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n"


def hello(name=b"secure.test", alpn=(b"h2", b"http/1.1")):
    """Give a ClientHello with a server name and application protocols."""
    def sized(data, size=2):
        return len(data).to_bytes(size, "big") + data

    names = b"\0\0" + sized(sized(b"\0" + sized(name)))
    protocols = b"\0\x10" + sized(sized(b"".join(sized(one, 1) for one in alpn)))
    body = b"\x03\x03" + bytes(32) + b"\0" + sized(b"\x13\x01") + b"\x01\0" + sized(names + protocols)
    handshake = b"\x01" + sized(body, 3)
    return b"\x16\x03\x01" + sized(handshake)


class Arrivals:
    """One arriving connection and what became of it."""

    def __init__(self, rig, listener):
        world = snapshot()
        program = rig.use(attrs.evolve(world, listeners={**world.listeners, listener.name: listener}))
        self.rig = rig
        ours, self.peer = rig.pair()
        self.chosen, self.gone = [], []
        self.connection = downstream(listener.name)
        self.arrival = Arrival(rig.resources, ours, self.connection, program.listeners[listener.name], self._chosen, self._gone)

    def _chosen(self, arrival, table, chain, first):
        self.chosen.append((chain.name if chain else None, first))
        self.arrival.stream.pause()

    def _gone(self, arrival, table, late):
        self.gone.append(late)

    def send(self, data):
        """Send bytes as the client."""
        self.peer.send(data)
        self.rig.pump()

    def left(self):
        """Give what is in the kernel still."""
        self.arrival.stream.socket.setblocking(False)
        try:
            return self.arrival.stream.socket.recv(65536)
        except BlockingIOError:
            return b""


@pytest.fixture
def arrive(rig):
    """Give a maker of arriving connections that have begun."""
    def build(listener=SNIFF, **changes):
        made = Arrivals(rig, attrs.evolve(listener, **changes))
        made.arrival.begin()
        return made

    return build


@pytest.mark.parametrize(("data", "chain", "protocols"), [
    (REQUEST, "http", ("http/1.1",)),
    (b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", "http", ("http/1.1",)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http", ("h2c",)),
    (b"GET / HTTP/1.0\r\n\r\n", "tcp", ("http/1.0",)),
    (b"GET /\r\n\r\n", "tcp", ()),
    (b"HELO there\r\n", "tcp", ()),
    (b"\x00\x01hello", "tcp", ()),
    (b"\r\nGET / HTTP/1.1\r\n\r\n", "tcp", ()),
])
@pytest.mark.parametrize("size", [1, 1000])
def test_recognises_by_the_first_bytes(arrive, data, chain, protocols, size):
    """The chain is chosen as soon as the bytes suffice, whole or one by one; every byte is handed on once."""
    made = arrive()
    for start in range(0, len(data), size):
        made.send(data[start:start + size])
    (name, first), = made.chosen
    assert (chain, data, protocols) == (name, first + made.left(), made.connection.application_protocols)


@pytest.mark.parametrize(("data", "chain", "name"), [
    (hello(), "tls", "secure.test"), (hello(b"other.test"), "tcp", "other.test"), (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "tcp", ""),
])
@pytest.mark.parametrize("size", [3, 60, 1000])
def test_a_client_hello_stays_in_the_kernel(arrive, data, chain, name, size):
    """Server name and protocols are read while the bytes wait for TLS on the socket."""
    made = arrive()
    for start in range(0, len(data), size):
        made.send(data[start:start + size])
    assert ([(chain, b"")], data, name, "tls") == (made.chosen, made.left(), made.connection.server_name, made.arrival.protocol)
    assert 1 == made.arrival.stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


def test_half_a_hello_and_the_end(arrive):
    """A client that gives up within its hello is closed, without a line."""
    made = arrive()
    made.send(hello()[:50])
    made.peer.shutdown(socket.SHUT_WR)
    made.rig.pump()
    assert ([], [False], "reset") == (made.chosen, made.gone, ending(made.peer))


@pytest.mark.parametrize("data", [b"", b"GET / HT"])
def test_no_timeout_means_for_ever(rig, arrive, data):
    """With Istio's default a silent client, or one that stops within its first line, is waited for."""
    made = arrive()
    if data:
        made.send(data)
    rig.advance(1000.0)
    assert ([], [], "open") == (made.chosen, made.gone, ending(made.peer))


@pytest.mark.parametrize("data", [b"", b"GET / HT"])
def test_after_the_timeout_it_goes_on(rig, arrive, data):
    """A server-first protocol gets its chain when the time is over, with what came."""
    made = arrive(listener_filters_timeout=2.0)
    if data:
        made.send(data)
    rig.advance(1.9)
    before = list(made.chosen)
    rig.advance(0.2)
    assert ([], [("tcp", data)]) == (before, made.chosen)


def test_after_the_timeout_it_closes(rig, arrive):
    """Without `continue` the connection is closed, and logged as late."""
    made = arrive(listener_filters_timeout=2.0, continue_on_listener_filters_timeout=False)
    rig.advance(2.1)
    assert ([], [True], "fin") == (made.chosen, made.gone, ending(made.peer))


def test_the_timer_ends_with_the_choice(rig, arrive):
    """Nothing happens at the deadline of a connection that was chosen for."""
    made = arrive(listener_filters_timeout=2.0)
    made.send(REQUEST)
    rig.advance(5.0)
    assert (1, []) == (len(made.chosen), made.gone)


def test_no_inspector_no_waiting(arrive):
    """A TCP listener is served before the client says anything."""
    assert [("tcp", b"")] == arrive(listener_filters=(), filter_chains=()).chosen


@pytest.mark.parametrize(("data", "protocol"), [
    (REQUEST, ""), (b"hello\r\n", ""), (b"POST / HTTP/1.1\r\n", ""), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "h2c"), (hello(), "tls"),
])
def test_an_http_chain_without_inspectors(arrive, data, protocol):
    """The first bytes tell whether it is another protocol, whatever else they are goes to HTTP."""
    made = arrive(listener_filters=(), filter_chains=(ONLY_HTTP,))
    made.send(data)
    assert ([("only", data)], protocol) == (made.chosen, made.arrival.protocol)


def test_a_cut_request_is_told_by_the_http_chain(arrive):
    """Without inspectors half a first line is handed to HTTP, which logs it."""
    made = arrive(listener_filters=(), filter_chains=(ONLY_HTTP,))
    made.send(b"P")
    made.peer.shutdown(socket.SHUT_WR)
    made.rig.pump()
    assert [("only", b"P")] == made.chosen


def test_inspectors_may_be_switched_off_for_a_port(arrive):
    """A declared TCP port is not looked at."""
    assert [("tcp", b"")] == arrive(listener_filters=tuple(attrs.evolve(one, disabled_ports=((80, 81),)) for one in BOTH)).chosen


@pytest.mark.parametrize("data", [b"hello", b"GET ", b"P\n", b"PING", b"\x00"])
def test_few_bytes_where_only_tls_may_come(arrive, data):
    """Where HTTP is not looked for, bytes that are no ClientHello are forwarded without waiting for a line."""
    made = arrive(listener_filters=BOTH[:1], filter_chains=(TLS,))
    made.send(data)
    assert [("tcp", data)] == made.chosen


def test_no_chain(arrive):
    """A connection that no chain takes is told so."""
    made = arrive(filter_chains=(HTTP,), default_filter_chain=None)
    made.send(b"\x00\x01")
    assert [(None, b"\x00\x01")] == made.chosen


def test_a_client_that_leaves_early(arrive):
    """A reset or a close before any byte ends it."""
    made = arrive()
    made.peer.close()
    made.rig.pump()
    other = arrive()
    other.arrival.drain()
    other.arrival.break_off()
    assert ([False], [False], [], []) == (made.gone, other.gone, made.chosen, other.chosen)


def test_an_endless_first_line_is_decided(arrive):
    """64 KiB without a line end are no HTTP."""
    made = arrive()
    for _ in range(70):
        made.send(b"GET /" if not made.arrival._data else b"a" * 1000)
    assert ["tcp"] == [name for name, _ in made.chosen]


@pytest.mark.parametrize("settings", [{"idle_timeout": 2.0}, {"idle_timeout": 9.0, "max_connection_duration": 2.0}])
def test_a_client_that_never_says_anything_is_idle(rig, settings):
    """Without inspectors an HTTP chain waits for as long as its connections may be idle, or may last (B.idle-no-request)."""
    chain = attrs.evolve(ONLY_HTTP, filter=HttpConnectionManager("h", "80", **settings))
    arrivals = Arrivals(rig, Listener("only", SocketAddress("0.0.0.0", 80), (chain,), bind_to_port=True))
    arrivals.arrival.begin()
    rig.advance(1.9)
    before = list(arrivals.gone)
    rig.advance(0.2)
    assert ([], [False], []) == (before, arrivals.gone, rig.clock.getDelayedCalls())
