"""Filter chains made runnable."""

import pytest

from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.http_filter import LOCAL_RATE_LIMIT, Cors, CorsPolicy, Fault, GrpcStats, LocalRateLimit, Router
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, WeightedCluster
from meshd.tables.chain import build_chain, build_http, build_tcp, join_requests, join_responses
from meshd.tables.hosts import HostTable, host_slices
from meshd.tables.interfaces import BuildError, Environment, HttpFilter
from tests.helpers.exchanges import PlainExchange

ROUTES = RouteConfiguration("80", (VirtualHost("h", ("a.test", "10.0.0.1"), (Route("r", RouteMatch(), RouteAction("c")),)),))


def host_table(environment: Environment, routes: RouteConfiguration = ROUTES) -> HostTable:
    """Give the table of a route configuration."""
    slices = host_slices(routes, environment, None)
    while True:
        try:
            next(slices)
        except StopIteration as done:
            return done.value


def noting(name, notes):
    """Give a wrap that notes when its step runs."""
    def wrap(proceed):
        def step(exchange):
            notes.append(name)
            proceed(exchange)

        return step

    return wrap


def test_requests_run_first_to_last_and_responses_last_to_first():
    """A phase that a filter does not have is not there."""
    notes = []
    filters = [
        HttpFilter("a", noting("a>", notes), lambda exchange: notes.append("<a")),
        HttpFilter("b", request=noting("b>", notes)),
        HttpFilter("c", response=lambda exchange: notes.append("<c")),
        HttpFilter("d"),
    ]
    join_requests(filters, lambda exchange: notes.append("last"))(PlainExchange())
    assert ["a>", "b>", "last"] == notes
    notes.clear()
    joined = join_responses(filters)
    assert joined is not None
    joined(PlainExchange())
    assert ["<c", "<a"] == notes


def test_no_filter_costs_nothing():
    """Without filters the last step itself is the chain, and there is no response phase."""
    last = noting("x", [])
    assert last is join_requests([HttpFilter("a")], last)
    assert None is join_responses([HttpFilter("a")])


ABORTED = (Fault(abort_status=555, abort_percent=100.0),)


@pytest.mark.parametrize(("host", "kinds", "responds"), [
    (VirtualHost("h", ("*",)), set(), False),
    (VirtualHost("h", ("*",), filters=(CorsPolicy(),)), {CorsPolicy}, True),
    (VirtualHost("h", ("*",), (Route("r", RouteMatch(), RouteAction("c"), filters=ABORTED),)), {Fault}, False),
    (VirtualHost("h", ("*",), filters=(LocalRateLimit(max_tokens=1, fill_interval=1.0, enabled_percent=100.0),)), {LOCAL_RATE_LIMIT}, True),
])
def test_filters_that_no_route_asks_are_not_there(host, kinds, responds):
    """Istio has them in every chain; they cost nothing then."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    hosts = host_table(environment, RouteConfiguration("80", (host,)))
    table = build_http(HttpConnectionManager("x", "80", http_filters=(GrpcStats(), Fault(), Cors(), LocalRateLimit(), Router())), hosts, environment)
    exchange = PlainExchange()
    table.step(exchange)
    assert (kinds, responds) == (hosts.filters, table.respond is not None)
    assert [555 if Fault in kinds else 404] == [reply.status for reply in exchange.replies]


def test_upgrades_that_are_not_allowed():
    """Whatever the route would do; where there is none, that is told (as seen with Envoy)."""
    named = []
    environment = Environment(lambda: 0.0, lambda exchange: None, named.append)
    for authority, expected in ((b"a.test", "upgrade_failed"), (b"b.test", "route_not_found")):
        exchange = PlainExchange(authority=authority)
        exchange.request.upgrade = b"foo"
        build_http(HttpConnectionManager("x", "80"), host_table(environment), environment).step(exchange)
        assert expected == exchange.replies[0].details
    assert 1 == len(named)


def test_a_request_finds_its_route_and_goes_on():
    """`route` is set before the terminal step runs."""
    routed = []
    environment = Environment(lambda: 0.0, routed.append)
    table = build_http(HttpConnectionManager("x", "80"), host_table(environment), environment)
    exchange = PlainExchange(b"/x", b"a.test")
    table.step(exchange)
    assert [exchange] == routed
    assert exchange.route is not None
    assert ("r", []) == (exchange.route.name, exchange.replies)


def test_a_request_without_virtual_host_is_answered():
    """404 NR, and nothing goes on."""
    routed = []
    environment = Environment(lambda: 0.0, routed.append)
    exchange = PlainExchange(b"/x", b"other")
    build_http(HttpConnectionManager("x", "80"), host_table(environment), environment).step(exchange)
    assert ([], None, ["route_not_found"]) == (routed, exchange.route, [reply.details for reply in exchange.replies])


def test_http_tables_normalize_and_know_addresses():
    """The manager's mode counts; addresses lead to clusters."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    table = build_http(HttpConnectionManager("x", "80", path_normalization="MERGE_SLASHES"), host_table(environment), environment)
    assert (b"/a", "c", None) == (table.normalize(b"//a"), table.cluster_at("10.0.0.1"), table.cluster_at("10.0.0.2"))


def test_http_tables_know_what_is_done_to_headers():
    """What each connection manager asks for; what cannot be done is a reason not to build it."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    edge = build_http(HttpConnectionManager("x", "80", use_remote_address=True, via="a"), host_table(environment), environment)
    assert ("EdgeHeaders", "ChosenResponseHeaders") == (type(edge.requests).__name__, type(edge.responses).__name__)
    for settings in ({"server_name": "a\nb"}, {"default_http_10_host": "a\r\nb"}):
        with pytest.raises(BuildError, match="expected a text without control characters"):
            build_http(HttpConnectionManager("x", "80", **settings), host_table(environment), environment)


@pytest.mark.parametrize(("settings", "asked"), [({}, False), ({"preserve_case": True}, True), ({"headers_with_underscores": "DROP_HEADER"}, True)])
def test_names_are_looked_at_where_that_is_asked_for(settings, asked):
    """Elsewhere it costs nothing."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    table = build_http(HttpConnectionManager("x", "80", **settings), host_table(environment), environment)
    assert asked is (table.names is not None)


def test_tcp_picks_one_cluster_or_by_weight():
    """Numbers from the environment decide among several."""
    environment = Environment(lambda: 0.9, lambda exchange: None)
    assert "c" == build_tcp(TcpProxy("x", "c"), environment).pick_cluster()
    weighted = TcpProxy("x", weighted_clusters=(WeightedCluster("a", 1), WeightedCluster("b", 1)))
    assert "b" == build_tcp(weighted, environment).pick_cluster()
    assert "" == build_tcp(TcpProxy("x"), environment).pick_cluster()


def test_a_chain_is_http_or_tcp():
    """Routes by name or the chain's own."""
    environment = Environment(lambda: 0.0, lambda exchange: None)
    hosts = host_table(environment)
    tcp = build_chain(FilterChain("t", FilterChainMatch(), TcpProxy("x", "c")), {}, None, environment)
    named = build_chain(FilterChain("n", FilterChainMatch(), HttpConnectionManager("x", "80")), {"80": hosts}, None, environment)
    own = build_chain(FilterChain("o", FilterChainMatch(), HttpConnectionManager("x", route_config=ROUTES)), {}, hosts, environment)
    assert ("t", None, True) == (tcp.name, tcp.http, tcp.tcp is not None)
    assert [hosts, hosts] == [chain.http.hosts for chain in (named, own) if chain.http is not None and chain.tcp is None]
