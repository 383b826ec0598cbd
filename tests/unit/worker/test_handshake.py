"""A client's handshake, from the filter chain to what serves it."""

import attrs
import pytest
from OpenSSL import SSL

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.secret import Secret
from meshd.snapshot.tls import HANDSHAKE_TIMEOUT, DownstreamTls, PeerCheck
from meshd.worker import connections
from meshd.worker.connections import Connections
from tests.helpers.certificates import Authority
from tests.helpers.tls_rig import client_of, shake, taken
from tests.helpers.worker_rig import CLUSTER, Rig, ending, received, snapshot
from tests.unit.worker.test_connections import Accepted, Listening

LEAF = Authority().issue("a.test")
TLS, KEYLESS = DownstreamTls(("h2", "http/1.1"), ("c",), None, False), DownstreamTls((), ("absent",), None, False)
MANAGER = HttpConnectionManager("edge", "80", use_remote_address=True)
CHAINS = (
    FilterChain("web", FilterChainMatch(server_names=("web.test",)), MANAGER, TLS, 5.0),
    FilterChain("tcp", FilterChainMatch(server_names=("tcp.test",)), TcpProxy("t", CLUSTER), TLS),
    FilterChain("keyless", FilterChainMatch(server_names=("keyless.test",)), MANAGER, KEYLESS),
)
INSPECTED = Listener("edge", SocketAddress("0.0.0.0", 443), CHAINS, bind_to_port=True, listener_filters=(ListenerFilter("tls_inspector"),),
                     listener_filters_timeout=HANDSHAKE_TIMEOUT, continue_on_listener_filters_timeout=False)
ANY = Listener("any", SocketAddress("0.0.0.0", 444), (attrs.evolve(CHAINS[0], match=FilterChainMatch()),), bind_to_port=True)
REQUEST = b"GET / HTTP/1.1\r\nhost: svc.test\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Edge(Rig):
    """A worker of an edge proxy."""

    def __init__(self):
        """Serve by TLS chains."""
        super().__init__()
        base = snapshot()
        self.use(attrs.evolve(base, listeners={"edge": INSPECTED, "any": ANY}))
        self.resources.tls.use({"c": Secret("c", LEAF.chain, LEAF.key)})
        self.connections = Connections(self.resources)

    def accept(self, listener=INSPECTED):
        """Accept a connection and give the client's end."""
        ours, theirs = self.pair()
        port = listener.address.port
        self.connections.accept(Listening(listener.name, port), Accepted(ours, ("10.0.0.1", port), None), ("10.0.0.9", 4000))
        self.pump()
        return theirs

    def client(self, name, listener=INSPECTED):
        """Agree on TLS with a server."""
        made = client_of(self.accept(listener), name=name)
        shake(self, made)
        return made

    def close(self):
        """Close all."""
        self.connections.stop()
        super().close()


@pytest.fixture
def edge():
    """Give a worker."""
    made = Edge()
    yield made
    made.close()


@pytest.mark.parametrize("listener", [INSPECTED, ANY])
def test_requests_within_tls(edge, listener):
    """The upstream is told that it was https; the log has the server's name where it was looked at."""
    client = edge.client("web.test", listener)
    client.send(REQUEST)
    edge.pump()
    assert b"x-forwarded-proto: https\r\n" in edge.asked()
    edge.answer(ANSWER)
    assert taken(client).endswith(b"\r\n\r\nok")
    (line,) = edge.lines
    assert (200, "web.test" if listener is INSPECTED else "", "TLSv1.3") == (line.status, line.connection.server_name, line.connection.tls.version)


def test_bytes_within_tls(edge):
    """They are forwarded in plain; each side's end is passed on."""
    client = edge.client("tcp.test")
    client.send(b"ping")
    edge.pump()
    assert b"ping" == edge.asked()
    edge.answer(b"pong")
    assert b"pong" == taken(client)
    client.shutdown()
    edge.pump()
    assert "fin" == ending(edge.origins[0])
    edge.origins[0].close()
    edge.pump()
    with pytest.raises(SSL.ZeroReturnError):
        client.recv(1)
    assert [(4, 4)] == [(line.bytes_received, line.bytes_sent) for line in edge.lines]


def test_a_name_that_no_chain_has(edge):
    """The connection is closed, and logged as Envoy logs it."""
    client = client_of(edge.accept(), name="z.test")
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    edge.pump()
    with pytest.raises(SSL.SysCallError):
        client.do_handshake()
    assert [("NR", "filter_chain_not_found")] == [(line.flags, line.details) for line in edge.lines]


def test_a_server_without_a_key_answers_nothing(edge):
    """Until its files are there; meshd's own log says so."""
    client = client_of(edge.accept(), name="keyless.test")
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    edge.pump()
    with pytest.raises(SSL.SysCallError):
        client.do_handshake()
    assert (0, []) == (edge.connections.count, edge.lines)
    said = "listener edge: TLS error: Secret is not supplied by SDS"
    assert [f"TLS failed with 10.0.0.9:4000 that asked for keyless.test, {said}"] == edge.problems


@pytest.mark.parametrize(("listener", "sent"), [
    (ANY, b"GET / HTTP/1.1\r\n\r\n"), (ANY, b"\x16\x03\x01\x00\x05hello"), (ANY, b"\x80" * 100), (INSPECTED, b"\x16\x03\x01\x00\x05hello"),
])
def test_garbage(edge, listener, sent):
    """It is closed, nothing of it is served, and meshd's own log says so unless no chain was found."""
    peer = edge.accept(listener)
    peer.send(sent)
    edge.pump()
    assert "open" != ending(peer)
    assert (0, []) == (edge.connections.count, edge.origins)
    assert ["TLS failed with 10.0.0.9:4000, listener any"] * (listener is ANY) == [said.partition(": ")[0] for said in edge.problems]
    assert (listener is INSPECTED) == bool(edge.lines)


@pytest.mark.parametrize(("listener", "limit"), [(ANY, 5.0), (INSPECTED, HANDSHAKE_TIMEOUT)])
def test_a_client_that_takes_too_long(edge, listener, limit):
    """It is closed when its time is over, however little it has said."""
    peer = edge.accept(listener)
    peer.send(b"\x16\x03\x01")
    edge.advance(limit - 1)
    assert ("open", 1) == (ending(peer), edge.connections.count)
    edge.advance(2.0)
    assert "open" != ending(peer)
    assert 0 == edge.connections.count


def test_a_push_with_other_terms(edge):
    """A connection whose client was asked for less than it would be now is drained."""
    client = edge.client("web.test", ANY)
    secrets = edge.resources.program.snapshot.secrets
    base = snapshot()
    stricter = attrs.evolve(ANY, filter_chains=(attrs.evolve(ANY.filter_chains[0], tls=attrs.evolve(TLS, client=PeerCheck("r"))),))
    edge.use(attrs.evolve(base, listeners={"edge": INSPECTED, "any": stricter}, secrets=secrets))
    client.send(REQUEST)
    edge.pump()
    edge.answer(ANSWER)
    assert b"connection: close\r\n" in taken(client)


def test_many_that_never_finish(edge, monkeypatch):
    """The one that has taken longest makes way for the next."""
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 3)
    peers = [edge.accept(ANY) for _ in range(3)]
    for peer in peers:
        peer.send(b"\x16")
    edge.pump()
    edge.client("web.test", ANY)
    assert [False, True, True] == [ending(peer) == "open" for peer in peers]


def test_draining_and_stopping(edge):
    """A connection that is agreeing on TLS meanwhile is drained as soon as it is served; the end of the worker ends it."""
    peer = edge.accept(ANY)
    edge.connections.drain()
    client = client_of(peer)
    shake(edge, client)
    client.send(REQUEST)
    edge.pump()
    edge.answer(ANSWER)
    assert b"connection: close\r\n" in taken(client)
    waiting = edge.accept(ANY)
    edge.connections.stop()
    edge.pump(1)
    assert b"" == received(waiting)
    assert 0 == edge.connections.count
