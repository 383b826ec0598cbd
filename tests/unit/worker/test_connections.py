"""Tests of the way from an accepted socket to what serves it."""

import socket
import struct

import attrs
import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.worker.connections import Connections
from tests.helpers.worker_rig import CLUSTER, Rig, ending, received, snapshot

BOTH = (ListenerFilter("tls_inspector"), ListenerFilter("http_inspector"))
HTTP_MATCH = FilterChainMatch(transport_protocol="raw_buffer", application_protocols=("http/1.1", "h2c"))
PASS = Cluster("PassthroughCluster", "ORIGINAL_DST", lb_policy="CLUSTER_PROVIDED")
HTTP = FilterChain("http", HTTP_MATCH, HttpConnectionManager("h", "80"))
PASS_TCP = FilterChain("pass", FilterChainMatch(), TcpProxy("p", "PassthroughCluster"))
ANY = "0.0.0.0"
OUTBOUND = Listener("virtualOutbound", SocketAddress(ANY, 15001), (), PASS_TCP, bind_to_port=True, use_original_dst=True)
PORT_80 = Listener("0.0.0.0_80", SocketAddress(ANY, 80), (HTTP,), PASS_TCP, listener_filters=BOTH)
REQUEST = b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"


class Accepted:
    """An accepted socket whose addresses a test chooses."""

    family = socket.AF_INET

    def __init__(self, real, local, original):
        self._real = real
        self._local, self._original = local, original

    def __getattr__(self, name):
        """Be the real socket in all else."""
        return getattr(self._real, name)

    def getsockname(self):
        """Give the local address."""
        return self._local

    def getsockopt(self, level, option, *size):
        """Give the original destination as the kernel does."""
        if (level, option) == (socket.IPPROTO_IP, 80):
            if self._original is None:
                raise OSError(2, "No such file or directory")
            return struct.pack("!HH4s8x", socket.AF_INET, self._original[1], socket.inet_aton(self._original[0]))
        return self._real.getsockopt(level, option, *size)


class Listening:
    """What a connection was accepted on."""

    def __init__(self, name, port):
        self.name = name
        self.port = port


class World(Rig):
    """A worker whose connections a test accepts."""

    def __init__(self):
        """Serve by a snapshot with a wildcard HTTP listener behind `virtualOutbound`, and an inbound one."""
        super().__init__()
        base = snapshot(port=8000)
        route = Route("default", RouteMatch(), RouteAction(CLUSTER))
        inbound_routes = RouteConfiguration("inbound|80||", (VirtualHost("inbound|http|80", ("*",), (route,)),))
        inbound = FilterChain("in", FilterChainMatch(destination_port=80), HttpConnectionManager("i", route_config=inbound_routes))
        self.use(attrs.evolve(
            base,
            listeners={
                **base.listeners, OUTBOUND.name: OUTBOUND, PORT_80.name: PORT_80,
                "virtualInbound": Listener(
                    "virtualInbound", SocketAddress(ANY, 15006), (inbound,), bind_to_port=True, listener_filters=(ListenerFilter("original_dst"),),
                ),
            },
            clusters={**base.clusters, PASS.name: PASS},
        ))
        self.connections = Connections(self.resources)
        self.places = []

    def open(self, address, port, source):
        """Connect, and note where to."""
        self.places.append((address, port))
        return super().open(address, port, source)

    def accept(self, name, port, original=None, local=None):
        """Accept a connection and give the client's end."""
        ours, theirs = self.pair()
        self.connections.accept(Listening(name, port), Accepted(ours, local or ("10.0.0.1", port), original), ("10.0.0.9", 4000))
        self.pump()
        return theirs

    def close(self):
        """Close all."""
        self.connections.stop()
        super().close()


@pytest.fixture
def world():
    """Give a worker."""
    made = World()
    yield made
    made.close()


def test_a_captured_request_is_routed(world):
    """virtualOutbound hands the connection to the listener of its original destination."""
    client = world.accept("virtualOutbound", 15001, ("10.1.0.1", 80))
    client.send(REQUEST)
    world.pump()
    line = world.asked()
    world.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    connection = world.lines[0].connection
    assert (True, [("10.2.0.1", 8080)], "10.1.0.1:80", "10.0.0.9:4000", "0.0.0.0_80") == (
        line.startswith(b"GET / HTTP/1.1"), world.places, connection.destination, connection.source, connection.listener,
    )
    assert received(client).endswith(b"ok")


def test_a_captured_connection_without_a_listener_passes_through(world):
    """It goes where the client meant to."""
    client = world.accept("virtualOutbound", 15001, ("10.9.9.9", 9999))
    client.send(b"hello")
    world.pump()
    assert (b"hello", [("10.9.9.9", 9999)]) == (world.asked(), world.places)


@pytest.mark.parametrize("original", [None, ("10.0.0.1", 15001)])
def test_a_connection_to_our_own_port_does_not_loop(world, original):
    """Nobody is connected to; UH."""
    client = world.accept("virtualOutbound", 15001, original)
    assert (["UH"], [], "fin", 0) == ([line.flags for line in world.lines], world.places, ending(client), world.connections.count)


@pytest.mark.parametrize("first", [PREFACE, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"])
def test_what_is_not_routed_goes_to_its_service_as_tcp(world, first):
    """HTTP/2 and TLS to a service's address on a wildcard HTTP listener reach the service's endpoints."""
    client = world.accept("virtualOutbound", 15001, ("10.1.0.1", 80))
    client.send(first)
    world.pump()
    asked = world.asked()
    client.close()
    world.origins[0].close()
    world.pump()
    assert (first, [("10.2.0.1", 8080)], [CLUSTER]) == (asked, world.places, [line.cluster.name for line in world.lines])


@pytest.mark.parametrize("first", [PREFACE, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x00binary"])
def test_what_no_service_knows_passes_through(world, first):
    """To another address it takes the listener's TCP branch."""
    client = world.accept("virtualOutbound", 15001, ("10.7.7.7", 80))
    client.send(first)
    world.pump()
    assert (first, [("10.7.7.7", 80)]) == (world.asked(), world.places)


@pytest.mark.parametrize("first", [PREFACE, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"])
def test_what_is_not_routed_inbound_goes_to_the_only_cluster(world, first):
    """An inbound HTTP chain forwards what it cannot serve to its service's port."""
    client = world.accept("virtualInbound", 15006, ("10.0.0.1", 80))
    client.send(first)
    world.pump()
    assert (first, [("10.2.0.1", 8080)]) == (world.asked(), world.places)


@pytest.mark.parametrize("first", [PREFACE, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"])
def test_what_is_for_nobody_is_refused_as_http(world, first):
    """Without a service or a cluster to forward it to, what is no HTTP/1 gets 400 (B.tls-to-http)."""
    plain = FilterChain("h", FilterChainMatch(), HttpConnectionManager("h", "80"))
    world.use(attrs.evolve(world.resources.program.snapshot, listeners={
        "plain": Listener("plain", SocketAddress(ANY, 7000), (plain,), bind_to_port=True),
    }))
    client = world.accept("plain", 7000)
    client.send(first)
    world.pump()
    assert (True, ["http1.codec_error"]) == (received(client).startswith(b"HTTP/1.1 400 Bad Request\r\n"), [line.details for line in world.lines])


@pytest.mark.parametrize(("first", "state"), [(b"", "fin"), (b"hello", "fin")])
def test_no_chain_is_logged(world, first, state):
    """Closed with NR (E.no-chain)."""
    client = world.accept("virtualInbound", 15006, ("10.0.0.1", 81))
    if first:
        world.pump()
    assert ([("NR", "filter_chain_not_found")], state) == ([(line.flags, line.details) for line in world.lines], ending(client))


def test_a_listener_that_is_gone(world):
    """A connection of a listener that the program no longer has is closed."""
    assert ("fin", 0) == (ending(world.accept("removed", 1)), world.connections.count)


def test_a_silent_client_is_counted_and_ends(world):
    """Connections count from the first moment to the last."""
    client = world.accept("virtualOutbound", 15001, ("10.1.0.1", 80))
    during = world.connections.count
    client.close()
    world.pump()
    assert (1, 0, []) == (during, world.connections.count, world.lines)


def test_a_request_that_was_cut(world):
    """A half-close that comes with the first bytes counts as gone."""
    client = world.accept("http", 8000)
    client.send(b"PO")
    client.shutdown(socket.SHUT_WR)
    world.pump()
    assert [(0, "DC")] == [(line.status, line.flags) for line in world.lines]


def test_draining_a_listener(world):
    """Its HTTP connections close with their next answer, others go on."""
    one, two = world.accept("http", 8000), world.accept("virtualOutbound", 15001, ("10.1.0.1", 80))
    for client in (one, two):
        client.send(REQUEST)
        world.pump()
    world.connections.drain("http")
    for origin in range(2):
        world.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", origin)
    assert (True, False) == (b"connection: close" in received(one), b"connection: close" in received(two))


def test_stop_ends_every_connection(world):
    """Whatever state they are in, each with its line if it has one."""
    world.accept("virtualOutbound", 15001, ("10.1.0.1", 80))
    request = world.accept("http", 8000)
    request.send(REQUEST)
    world.pump()
    world.accept("tcp", 81)
    world.connections.stop()
    assert (0, [(0, "DC"), (0, "")]) == (world.connections.count, sorted(((line.status, line.flags) for line in world.lines), reverse=True))


def test_a_push_is_looked_up_by_listener(world):
    """An open HTTP connection finds its chain in the newest program, or none."""
    world.accept("http", 8000).send(REQUEST)
    world.pump()
    server = next(iter(world.connections._open))
    found = world.connections._find_http(server.connection)
    world.use(attrs.evolve(snapshot(), listeners={}))
    assert (True, None) == (found is not None, world.connections._find_http(server.connection))


def test_connections_are_numbered_and_know_their_chain(world):
    """As log lines tell: from 1, and the name of the chain that serves them; none where none does."""
    for original in (("10.9.9.9", 9999), ("10.9.9.9", 9998)):
        world.accept("virtualOutbound", 15001, original).close()
    world.accept("virtualInbound", 15006, ("10.0.0.1", 81)).close()
    world.pump()
    world.connections.stop()
    told = sorted((line.connection.number, line.connection.filter_chain) for line in world.lines)
    assert [(1, "pass"), (2, "pass")] == told[:2]
    assert all(chain == "" for _, chain in told[2:])
