"""The tables find what the plain interpreter finds, on random snapshots and calls."""

from collections.abc import Callable, Iterable
from itertools import accumulate

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.base.addresses import SocketAddress
from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.explain.path_normalization import normalize_path
from meshd.explain.requests import host_name
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.http_filter import Cors, Fault, Router
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.snapshot import NodeReference, Snapshot
from meshd.tables.chain import ChainTable, HttpTable
from meshd.tables.hosts import host_of
from meshd.tables.interfaces import Environment, Exchange
from meshd.tables.listener import ListenerTable
from meshd.tables.paths import build_normalize, refuse_path
from meshd.tables.program import Program, build_program
from meshd.worker.local_replies import build_reply
from meshd.worker.unrouted import find_only_cluster, find_service_cluster
from tests.helpers import snapshots
from tests.helpers.exchanges import PlainConnection, PlainExchange

FILTERS = (Fault(), Cors(), Router())
often = settings(max_examples=150, deadline=None, database=None)
few = settings(max_examples=50, deadline=None, database=None)
fractions = st.floats(0, 1, exclude_max=True)
path_pieces = st.lists(
    st.sampled_from(
        ("/", "/", ".", "..", "%2e", "%2E", ";", "%", "%2", "%35", "%32", "%65", "%2f", "%5C", "\\", "a", "2", "e", "F", "?", "#", "%00", "|", "~"),
    ),
    max_size=12,
)


def expected_cluster(answer: Answer, fraction: float) -> str:
    """Give the cluster that a number in [0, 1) stands for among an answer's weighted ones."""
    if not answer.weighted_clusters:
        return answer.cluster
    total = sum(weight for _, weight in answer.weighted_clusters)
    sums = accumulate(weight for _, weight in answer.weighted_clusters)
    return next(name for (name, _), reached in zip(answer.weighted_clusters, sums, strict=True) if fraction * total < reached)


class _Nothing:
    def cancel(self) -> None:
        """Do nothing."""


def at_once(seconds: float, then: Callable[[], None]) -> _Nothing:
    """Let no time pass."""
    then()
    return _Nothing()


class Walk:
    """What a worker does with a call, as far as tables decide it."""

    def __init__(self, snapshot: Snapshot, fraction: float, previous: Program | None = None) -> None:
        self.forwarded: list[Exchange] = []
        self.environment = Environment(lambda: fraction, self.forwarded.append, after=at_once)
        self.program = build_program(snapshot, self.environment, previous)

    def find_listener(self, call: Call) -> ListenerTable:
        """Give the listener that takes a captured connection."""
        if call.direction == "inbound":
            return self.program.bound["virtualInbound"]
        return self.program.hand_over(call.address, call.port) or self.program.bound["virtualOutbound"]

    def find_chain(self, listener: ListenerTable, call: Call) -> ChainTable | None:
        """Give the chain of a connection whose first bytes are as the call says."""
        connection = PlainConnection(call.address, call.port)
        if call.tls != "none" and listener.inspects_tls(call.port):
            connection.transport_protocol, connection.application_protocols, connection.server_name = "tls", call.alpn, call.sni
        elif call.tls == "none" and call.protocol != "tcp" and listener.inspects_http(call.port):
            connection.application_protocols = ({"http": "http/1.1", "http2": "h2c"}[call.protocol],)
        return listener.find_chain(connection)

    def request(self, table: HttpTable, call: Call) -> PlainExchange:
        """Run a request through the steps, up to the choice of a cluster."""
        target, config = call.path.encode(), table.config
        exchange = PlainExchange(table.normalize(target), call.authority.encode(), tuple(texts(call.headers)), call.method.encode())
        lines = exchange.request.headers
        if b"upgrade" in (lines.joined(b"connection") or b"").split(b","):
            exchange.request.upgrade = lines.joined(b"upgrade") or b""
        if exchange.path:
            table.step(exchange)
        else:
            exchange.path, reply = refuse_path(target, config.path_normalization, config.escaped_slashes, is_grpc=False)
            exchange.reply(reply)
        if exchange.route is not None and not exchange.replies:
            exchange.cluster = exchange.route.pick_cluster(exchange)
        return exchange


def check_call(walk: Walk, snapshot: Snapshot, call: Call, fraction: float) -> None:
    """Hold every decision about one call to the explanation."""
    answer = explain(snapshot, call)
    listener = walk.find_listener(call)
    assert answer.listener == listener.name
    chain = walk.find_chain(listener, call)
    if chain is None:
        assert ("close", "filter_chain_not_found") == (answer.outcome, answer.response_code_details)
        return
    if chain.http is not None and call.tls != "none":
        check_opaque(listener, chain, chain.http, call, answer, fraction)
        return
    assert answer.filter_chain == chain.name
    if chain.tcp is not None:
        assert expected_cluster(answer, fraction) == chain.tcp.pick_cluster()
    elif chain.http is not None and call.protocol != "tcp":
        check_request(walk, chain.http, call, answer, fraction)


def check_opaque(listener: ListenerTable, chain: ChainTable, table: HttpTable, call: Call, answer: Answer, fraction: float) -> None:
    """Hold chain and cluster of TLS that an HTTP chain cannot read to the explanation."""
    cluster = find_service_cluster(listener, call.address)
    if not cluster:
        seen = listener.inspects_tls(call.port)
        branch = listener.find_chain(PlainConnection(call.address, call.port, "tls" if seen else "raw_buffer", (), call.sni if seen else ""))
        if branch is not None and branch.tcp is not None:
            chain, cluster = branch, branch.tcp.pick_cluster()
        else:
            cluster = find_only_cluster(table)
    assert (chain.name, cluster) == (answer.filter_chain, expected_cluster(answer, fraction))


def check_request(walk: Walk, table: HttpTable, call: Call, answer: Answer, fraction: float) -> None:
    """Hold every decision about one request to the explanation."""
    if call.method == "CONNECT":
        assert ("reply", "route_not_found") == (answer.outcome, answer.response_code_details)
        return
    exchange = walk.request(table, call)
    if not call.path.startswith("/"):
        assert "absolute_path_rejected" == answer.response_code_details
        return
    if exchange.route is not None:
        assert (answer.virtual_host, answer.route) == (exchange.route.virtual_host, exchange.route.name)
    if exchange.replies:
        check_reply(table, exchange, answer)
    elif answer.response_code_details == "cluster_not_found":
        assert exchange.cluster in ("", "absent")
    elif answer.response_code_details != "no_healthy_upstream":
        assert ([exchange], "forward") == (walk.forwarded[-1:], answer.outcome)
        assert expected_cluster(answer, fraction) == exchange.cluster
        check_forwarded(exchange, answer)


def check_reply(table: HttpTable, exchange: PlainExchange, answer: Answer) -> None:
    """Hold status, flags, details and headers of an answer to the explanation."""
    reply = exchange.replies[0]
    build_reply(exchange, reply)  # type: ignore[arg-type]  # reason: a plain exchange is enough
    assert exchange.response is not None
    if table.respond is not None:
        table.respond(exchange)
    assert ("reply", answer.status, answer.response_flags, answer.response_code_details) == (
        "reply", exchange.response.status, ",".join(filter(None, (exchange.flags, reply.flags))) or "-", reply.details)
    assert texts(answer.response_headers) == [pair for pair in exchange.response.headers.pairs if not pair[0].startswith(b"content-")]


def check_forwarded(exchange: PlainExchange, answer: Answer) -> None:
    """Hold what an upstream is sent to the explanation."""
    assert exchange.route is not None
    if exchange.route.prepare is not None:
        exchange.route.prepare(exchange)
    assert (answer.requested_path, answer.authority) == (exchange.path.decode(), exchange.request.authority.decode())
    assert texts(answer.request_headers) == exchange.request.headers.pairs


def texts(lines: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Give header lines as bytes."""
    return [(name.encode(), value.encode()) for name, value in lines]


def one_listener(routes: RouteConfiguration) -> Snapshot:
    """Give a snapshot whose only chain routes by one configuration."""
    chain = FilterChain("http", FilterChainMatch(), HttpConnectionManager("http", route_config=routes, http_filters=FILTERS))
    listener = Listener("virtualOutbound", SocketAddress("0.0.0.0", 15001), (chain,), bind_to_port=True, use_original_dst=True)
    return Snapshot(NodeReference("node"), {listener.name: listener}, {}, snapshots.KNOWN_CLUSTERS, snapshots.ENDPOINTS)


def plain(call: Call) -> Call:
    """Give a call as plain outbound HTTP."""
    return attrs.evolve(call, direction="outbound", protocol="http", tls="none", sni="", alpn=())


@often
@given(snapshots.snapshots(), st.lists(snapshots.calls(), min_size=1, max_size=8), fractions)
def test_every_decision_is_the_explained_one(snapshot, calls, fraction):
    """Listener, chain, virtual host, route and cluster are what the interpreter says."""
    walk = Walk(snapshot, fraction)
    assert snapshot is walk.program.snapshot
    for call in calls:
        check_call(walk, snapshot, call, fraction)


@often
@given(
    st.one_of(snapshots.route_configurations(), snapshots.plain_hosts(), snapshots.conditional_routes(), snapshots.crowded_hosts()),
    st.lists(snapshots.calls(), min_size=1, max_size=12),
)
def test_every_route_is_the_explained_one(routes, calls):
    """With nothing but requests: virtual hosts and routes collide much more often."""
    snapshot = one_listener(routes)
    walk = Walk(snapshot, 0.5)
    assert snapshot is walk.program.snapshot
    for call in calls:
        check_call(walk, snapshot, plain(call), 0.5)


@settings(max_examples=300, deadline=None, database=None)
@given(st.one_of(snapshots.crowded_hosts(), snapshots.patterned_hosts()), st.lists(snapshots.calls(), min_size=4, max_size=12))
def test_among_many_routes_the_first_is_found(routes, calls):
    """Tables that look at few of many routes find the one that looking at all in order finds."""
    snapshot = one_listener(routes)
    walk = Walk(snapshot, 0.5)
    for call in calls:
        check_call(walk, snapshot, plain(call), 0.5)


@few
@given(snapshots.snapshots(), snapshots.snapshots(), st.lists(snapshots.calls(), min_size=1, max_size=8), fractions)
def test_building_on_the_last_program_changes_nothing(before, after, calls, fraction):
    """What is taken over from the last Program decides as what is built anew."""
    listeners = {**after.listeners, "virtualInbound": before.listeners["virtualInbound"]}
    merged = attrs.evolve(before, listeners=listeners, routes={**before.routes, "80": after.routes["80"]})
    walk = Walk(before, fraction)
    walk.program = build_program(merged, walk.environment, walk.program)
    assert merged is walk.program.snapshot
    for call in calls:
        answer = explain(merged, call)
        assert answer.listener == walk.find_listener(call).name
        check_call(walk, merged, call, fraction)


@settings(max_examples=600, deadline=None, database=None)
@given(path_pieces, st.sampled_from(("NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES")))
def test_every_path_is_normalized_as_explained(pieces, mode):
    """The fast form and the walk byte by byte give the same."""
    target = "/" + "".join(pieces)
    assert (normalize_path(target, mode) or "").encode() == build_normalize(mode)(target.encode())


@few
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20))
def test_every_authority_is_read_as_explained(authority):
    """Ports, brackets and case are cut alike."""
    assert host_name(authority) == host_of(authority.encode())
