"""Random snapshots and calls, made to collide: few names, overlapping prefixes, wildcards, odd authorities and paths."""

import attrs
from hypothesis import strategies as st

from meshd.base.addresses import SocketAddress, canonical_ip
from meshd.explain.call import Call, CallProtocol, CallTls
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.header_changes import NO_CHANGES, AppendAction, HeaderChange, HeaderChanges
from meshd.snapshot.http_filter import Cors, CorsPolicy, Fault, HttpFilterConfig, RouteFilterConfig, Router
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import (
    DirectResponse,
    Redirect,
    RegexRewrite,
    RequireTls,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)
from meshd.snapshot.snapshot import NodeReference, Snapshot

PORTS = (80, 443, 15001, 15006)
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.1.0.1", "192.168.0.1", "fd00::1", "fd00::2")
LISTENING = (*ADDRESSES, "0.0.0.0", "::", "FD00:0:0::1")
RANGES = ("10.0.0.0/8", "10.0.0.0/24", "10.0.0.1/32", "10.0.0.7/29", "0.0.0.0/0", "::/0", "fd00::/16", "fd00::1/128", "fd00::1")
SERVER_NAMES = ("a.test", "b.a.test", "*.a.test", "*.test", "*.b.a.test", "A.test", "*")
ASKED_NAMES = ("", "a.test", "b.a.test", "c.b.a.test", "x.test", "test", ".test", ".a.test", "a.test.", "..test", "x.a.test")
PROTOCOLS = ("http/1.1", "h2c", "h2", "http/1.0", "istio", "istio-http/1.1")
DOMAINS = (
    "*", "a.test", "a.test.", "b.a.test", "*.a.test", "*.test", "*a.test", "*-x.test", "a.*", "b.a.*", "a*", "a", "a.test:80", "10.0.0.1",
    "[fd00::1]", "192.168.0.1", "*.1", "[*", "A.B.test", "a.b.test",
)
AUTHORITIES = (
    "", "a.test", "A.TEST", "a.test.", "a.test:80", "a.test:80:90", "a.test:", ":80", "b.a.test", "c.b.a.test:8080", ".a.test", "xa.test",
    "a-x.test", "-x.test", "a", "a.", "a.x", "b.a.x", "10.0.0.1", "10.0.0.1:80", "[fd00::1]", "[fd00::1]:80", "[FD00::1]:80", "fd00::1",
    "[fd00::1", "a.test,b.test", "user@a.test", "a.b.test", "zzz",
)
PATHS = (
    "/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/A", "/a/B", "/a//b", "//", "/a?x=1", "/a/?x=1&x=2", "/a/b?x", "/?x=1", "/a/b?y=a&x=A",
    "/a?x=1?x=2", "/a?&x=2", "/?x&x=1", "/?xx=1&y", "/a/../b", "/a/./b", "/%61/b", "/a%2Fb", "/a\\b", "/a/..;/b", "/a%00", "/b#c", "/b?x=%31",
    "/a=b", "*", "?x=1", "/abc/def",
)
PREFIXES = ("/", "/a", "/a/", "/a/b", "/ab", "/A", "/a/b/", "", "/b", "//", "/a?x", "/a/B")
REGEXES = (".*", "/a(/.*)?", "/[ab]+", "(?i)/a.*", "/a/b|/ab", "", "/a", "/a/b\\?x", "/a/[^/]+/?", "/a//?b", "(/a)+/?[a-z]")
TEXTS = ("", "1", "2", "a", "A", "a,b", "1,2", "http", "GET", "a.test", "/a?x=1", "é")
TEXT_REGEXES = ("1|2", ".*", "[a-z]+", "(?i)A.*", ".+,.+", "", "\\d", "a", "1")
HEADERS = ("x-v", "X-V", "x-w", "cookie", ":method", ":authority", "host", ":path", ":scheme", "x-forwarded-proto")
PROTOCOLS_SPOKEN: tuple[CallProtocol, ...] = ("http", "http", "http", "http2", "tcp")
TLS: tuple[CallTls, ...] = ("none", "none", "none", "tls", "mtls")
CLUSTERS = ("c0", "c1", "c2", "c3", "absent")
KNOWN_CLUSTERS = {name: Cluster(name, "EDS", service_name=name) for name in CLUSTERS[:3]} | {"c3": Cluster("c3", "ORIGINAL_DST")}
ENDPOINTS = {name: ClusterLoadAssignment(name, (LocalityEndpoints(endpoints=(Endpoint("10.9.0.1", 8080),)),)) for name in CLUSTERS[:3]}

_string_kinds = st.sampled_from(("exact", "prefix", "suffix", "contains"))
string_matches = st.one_of(
    st.builds(StringMatch, _string_kinds, st.sampled_from(TEXTS), st.booleans()),
    st.builds(StringMatch, st.just("regex"), st.sampled_from(TEXT_REGEXES)),
)
header_matches = st.builds(
    HeaderMatch,
    st.sampled_from(HEADERS),
    st.none() | string_matches,
    invert=st.booleans(),
    treat_missing_as_empty=st.booleans(),
    present=st.booleans(),
)
query_matches = st.builds(QueryMatch, st.sampled_from(("x", "y", "")), st.none() | string_matches)
_conditions = {
    "headers": st.lists(header_matches, max_size=2).map(tuple),
    "query_parameters": st.lists(query_matches, max_size=1).map(tuple),
}
_no_conditions = {"headers": st.just(()), "query_parameters": st.just(())}
_path_kinds = st.sampled_from(("prefix", "exact", "path_separated_prefix"))
route_matches = st.one_of(
    st.builds(RouteMatch, _path_kinds, st.sampled_from(PREFIXES), st.booleans(), **_no_conditions),
    st.builds(RouteMatch, _path_kinds, st.sampled_from(PREFIXES), st.booleans(), **_conditions),
    st.builds(RouteMatch, st.just("regex"), st.sampled_from(REGEXES), **_conditions),
)
weighted_clusters = st.lists(st.builds(WeightedCluster, st.sampled_from(CLUSTERS), st.integers(0, 3)), max_size=4).map(tuple)
_actions_on_headers: st.SearchStrategy[AppendAction] = st.sampled_from(
    ("APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"),
)
_changed_names = st.sampled_from(("x-v", "X-W", "x-n", "vary", "accept", "content-length", "x-forwarded-host"))
_values = st.sampled_from(("1", "", "a b", "%REQ(x-v)%", "<%REQ(X-W?:path)%>", "%REQ(:authority):3%", "100%%", "%REQ(cookie)%", "%REQ(no)%"))
header_changes = st.builds(
    HeaderChanges,
    st.lists(st.builds(HeaderChange, _changed_names, _values, _actions_on_headers, st.booleans()), max_size=3).map(tuple),
    st.lists(st.sampled_from(("x-v", "X-W", "cookie", "transfer-encoding")), max_size=1).map(tuple),
)
_faults = st.builds(
    Fault, st.sampled_from((0.0, 1.0)), st.sampled_from((0.0, 100.0)), st.sampled_from((503, 555)), st.sampled_from((None, None, 14)),
    st.sampled_from((0.0, 0.0, 100.0)), st.lists(header_matches, max_size=1).map(tuple),
)
_policies = st.builds(
    CorsPolicy, st.lists(string_matches, max_size=2).map(tuple), st.sampled_from(("", "GET")), st.sampled_from(("", "x-a")), st.just(""),
    st.sampled_from(("", "5")), st.sampled_from((None, True, False)), st.sampled_from((None, False)),
)
_by_route: st.SearchStrategy[tuple[RouteFilterConfig, ...]] = st.one_of(
    st.just(()), st.just(()), st.tuples(_faults), st.tuples(_policies), st.tuples(_policies, _faults),
)
_filters: st.SearchStrategy[tuple[HttpFilterConfig, ...]] = st.sampled_from((
    (Router(),), (Fault(), Cors(), Router()), (Cors(), Fault(delay=1.0, delay_percent=100.0), Router()),
))
_often_none = st.just(NO_CHANGES) | header_changes
_tls: st.SearchStrategy[RequireTls] = st.sampled_from(("NONE", "NONE", "NONE", "EXTERNAL_ONLY", "ALL"))
_prefix_rewrites = st.sampled_from((None, None, "/", "/new", "new", "/a?x=", "/q r"))
_regex_rewrites = st.builds(
    RegexRewrite, st.sampled_from(("a", "/(a|b)(/.*)?", "x*", "^/", "b?", "(/)(.?)")), st.sampled_from(("", "/\\0", "-", "\\0\\0", "\\\\", "é b")),
)
_path_rewrites = st.one_of(
    st.fixed_dictionaries({"prefix_rewrite": _prefix_rewrites}), st.fixed_dictionaries({"regex_rewrite": _regex_rewrites}),
)
_schemes, _hosts, _ports = st.sampled_from(("", "https", "http", "ftp")), st.sampled_from(("", "", "new.test")), st.sampled_from((0, 0, 80, 443))
_statuses, _places = st.sampled_from((301, 302, 307)), st.sampled_from(("", "/to", "to?x=1"))
_redirects = st.one_of(
    st.builds(Redirect, _statuses, _schemes, _hosts, _ports, _places, strip_query=st.booleans()),
    st.builds(
        lambda fields, rewrite: Redirect(*fields, **rewrite), st.tuples(_statuses, _schemes, _hosts, _ports), _path_rewrites,
    ),
)
_rewriting = st.builds(
    lambda cluster, host, append, rewrite: RouteAction(cluster, host_rewrite=host, append_forwarded_host=append, **rewrite),
    st.sampled_from(CLUSTERS), _hosts, st.booleans(), _path_rewrites,
)
actions = st.one_of(
    st.builds(RouteAction, st.sampled_from(CLUSTERS)),
    st.builds(RouteAction, st.just(""), weighted_clusters),
    st.builds(DirectResponse, st.sampled_from((200, 201, 301, 503)), st.just("body")),
    _redirects,
    _rewriting,
)


@st.composite
def virtual_hosts(draw: st.DrawFn, number: int) -> VirtualHost:
    """One virtual host; its routes are named by their place, so that two are never mistaken for each other."""
    matches = draw(st.lists(st.tuples(route_matches, actions, _often_none, _often_none, _by_route), max_size=8))
    routes = tuple(
        Route(f"h{number}r{place}", match, action, request_headers=requests, response_headers=responses, filters=filters)
        for place, (match, action, requests, responses, filters) in enumerate(matches)
    )
    domains = draw(st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=4, unique=True))
    requests, responses = draw(_often_none), draw(_often_none)
    return VirtualHost(
        f"h{number}", tuple(domains), routes, require_tls=draw(_tls), request_headers=requests, response_headers=responses, filters=draw(_by_route),
    )


@st.composite
def route_configurations(draw: st.DrawFn, name: str = "80") -> RouteConfiguration:
    """A few virtual hosts whose domains may repeat: the first then counts."""
    hosts = tuple(draw(virtual_hosts(number)) for number in range(draw(st.integers(0, 4))))
    return RouteConfiguration(
        name, hosts, ignore_port_in_host_matching=draw(st.sampled_from((True, True, True, False))), request_headers=draw(_often_none),
        response_headers=draw(_often_none), most_specific_header_changes_win=draw(st.booleans()),
    )


@st.composite
def plain_hosts(draw: st.DrawFn) -> RouteConfiguration:
    """Many virtual hosts with one domain and one route each."""
    domains = draw(st.lists(st.sampled_from(DOMAINS), min_size=3, unique=True))
    route = Route("r", RouteMatch(), RouteAction("c0"))
    return RouteConfiguration("80", tuple(VirtualHost(f"h{place}", (domain,), (route,)) for place, domain in enumerate(domains)))


@st.composite
def conditional_routes(draw: st.DrawFn) -> RouteConfiguration:
    """One virtual host for all, whose routes differ in one condition on headers or query each."""
    conditions = draw(st.lists(header_matches | query_matches, min_size=1, max_size=6))
    routes = []
    for place, condition in enumerate(conditions):
        headers = (condition,) if isinstance(condition, HeaderMatch) else ()
        parameters = (condition,) if isinstance(condition, QueryMatch) else ()
        routes.append(Route(f"r{place}", RouteMatch("prefix", "/", False, headers, parameters), RouteAction("c0")))
    return RouteConfiguration("80", (VirtualHost("all", ("*",), tuple(routes)),))


_telling_values = st.one_of(
    st.builds(StringMatch, st.just("exact"), st.sampled_from(TEXTS)), st.builds(StringMatch, st.just("regex"), st.sampled_from(TEXT_REGEXES)),
)
_telling_headers = st.lists(st.builds(HeaderMatch, st.sampled_from(HEADERS[:5]), _telling_values), min_size=1, max_size=2).map(tuple)
_telling_routes = st.one_of(
    route_matches,
    st.builds(RouteMatch, _path_kinds, st.sampled_from(("/", "/a", "/a/b")), st.booleans(), _telling_headers, _conditions["query_parameters"]),
    st.builds(RouteMatch, st.just("regex"), st.sampled_from(REGEXES), st.just(False), _telling_headers | st.just(())),
)


@st.composite
def crowded_hosts(draw: st.DrawFn) -> RouteConfiguration:
    """One virtual host for all with many routes, most of which want values that other routes want, too."""
    matches = draw(st.lists(_telling_routes, min_size=5, max_size=30))
    routes = tuple(Route(f"r{place}", match, RouteAction("c0")) for place, match in enumerate(matches))
    return RouteConfiguration("80", (VirtualHost("all", ("*",), routes),))


_pattern_headers = st.builds(HeaderMatch, st.sampled_from(("x-v", "x-w")), st.builds(StringMatch, st.just("regex"), st.sampled_from(TEXT_REGEXES)))
_patterned_routes = st.builds(
    RouteMatch, st.just("regex"), st.sampled_from(REGEXES), st.just(False), st.just(()) | st.tuples(_pattern_headers),
)


@st.composite
def patterned_hosts(draw: st.DrawFn) -> RouteConfiguration:
    """One virtual host for all with many routes, nearly all of which have regular expressions alone."""
    matches = draw(st.lists(st.one_of(_patterned_routes, _patterned_routes, _patterned_routes, route_matches), min_size=10, max_size=30))
    routes = tuple(Route(f"r{place}", match, RouteAction("c0")) for place, match in enumerate(matches))
    return RouteConfiguration("80", (VirtualHost("all", ("*",), routes),))


def _subset(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


chain_matches = st.builds(
    FilterChainMatch,
    destination_port=st.sampled_from((None, None, *PORTS)),
    prefix_ranges=_subset(RANGES),
    server_names=_subset(SERVER_NAMES),
    transport_protocol=st.sampled_from(("", "", "raw_buffer", "tls")),
    application_protocols=_subset(PROTOCOLS),
)
tcp_proxies = st.builds(TcpProxy, st.just("tcp"), st.sampled_from(CLUSTERS)) | st.builds(TcpProxy, st.just("tcp"), st.just(""), weighted_clusters)
_modes = st.sampled_from(("NONE", "BASE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"))
_escapes = st.sampled_from(("", "", "", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT"))
http_managers = st.one_of(
    st.builds(HttpConnectionManager, st.just("http"), st.sampled_from(("80", "443")), path_normalization=_modes, escaped_slashes=_escapes,
              http_filters=_filters),
    st.builds(HttpConnectionManager, st.just("http"), route_config=route_configurations("inline"), path_normalization=_modes,
              http_filters=_filters),
)
listener_filters = st.lists(
    st.builds(
        ListenerFilter,
        st.sampled_from(("tls_inspector", "http_inspector")),
        st.sampled_from(((), (), ((80, 81),), ((443, 15001), (15006, 15007)))),
    ),
    max_size=2,
    unique_by=lambda inspector: inspector.name,
)


@st.composite
def listeners(draw: st.DrawFn, name: str, address: SocketAddress) -> Listener:
    """One listener that is not bound; its chains are named by their place."""
    filters = draw(st.lists(st.tuples(chain_matches, http_managers | tcp_proxies), max_size=4))
    default = draw(st.none() | http_managers | tcp_proxies)
    return Listener(
        name,
        address,
        tuple(FilterChain(f"{name}#{place}", match, network_filter) for place, (match, network_filter) in enumerate(filters)),
        None if default is None else FilterChain(f"{name}#default", FilterChainMatch(), default),
        listener_filters=tuple(draw(listener_filters)),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A proxy with both virtual listeners and a few others, two route configurations, and clusters of which one is absent."""
    outbound = draw(listeners("virtualOutbound", SocketAddress("0.0.0.0", 15001)))
    inbound = draw(listeners("virtualInbound", SocketAddress("0.0.0.0", 15006)))
    restores = ListenerFilter("original_dst")
    found = [
        attrs.evolve(outbound, bind_to_port=True, use_original_dst=True, listener_filters=(restores, *outbound.listener_filters)),
        attrs.evolve(inbound, bind_to_port=True, direction="INBOUND", listener_filters=(restores, *inbound.listener_filters)),
    ]
    places = draw(st.lists(st.tuples(st.sampled_from(LISTENING), st.sampled_from(PORTS)), max_size=4, unique_by=_place))
    free = [place for place in places if place != ("0.0.0.0", 15006)]
    found.extend(draw(listeners(f"{address}_{port}", SocketAddress(address, port))) for address, port in free)
    routes = {name: draw(route_configurations(name)) for name in ("80", "443")}
    return Snapshot(NodeReference("node"), {listener.name: listener for listener in found}, routes, KNOWN_CLUSTERS, ENDPOINTS)


def _place(place: tuple[str, int]) -> tuple[str, int]:
    return canonical_ip(place[0]), place[1]


_line = st.tuples(st.sampled_from(("x-v", "x-w", "cookie", "x-forwarded-proto", "accept", "x-forwarded-host")), st.sampled_from(TEXTS))
_rare_line = st.sampled_from((("x-forwarded-proto", "https"), ("x-envoy-internal", "true"), ("connection", "upgrade"), ("upgrade", "foo"),
                              ("origin", "a"), ("access-control-request-method", "GET")))
_header_lines = st.lists(st.one_of(_line, _line, _rare_line), max_size=4).map(tuple)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call that often hits what random snapshots have."""
    protocol: CallProtocol = draw(st.sampled_from(PROTOCOLS_SPOKEN))
    tls: CallTls = draw(st.sampled_from(TLS))
    return Call(
        direction=draw(st.sampled_from(("outbound", "outbound", "inbound"))),
        address=draw(st.sampled_from(ADDRESSES)),
        port=draw(st.sampled_from(PORTS)),
        protocol=protocol,
        tls=tls,
        sni="" if tls == "none" else draw(st.sampled_from(ASKED_NAMES)),
        alpn=() if tls == "none" else tuple(draw(st.lists(st.sampled_from(PROTOCOLS), max_size=3, unique=True))),
        method=draw(st.sampled_from(("GET", "GET", "POST", "OPTIONS", "CONNECT"))),
        path=draw(st.sampled_from(PATHS)),
        authority=draw(st.sampled_from(AUTHORITIES)),
        headers=draw(_header_lines),
    )
