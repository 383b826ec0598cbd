"""Routes of the Gateway API, made VirtualServices, and what becomes of them."""

import time

import pytest

from meshd.compile.kube_routes import translated_routes
from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.model.virtual_service import ConnectionMatch
from meshd.model.world import World
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.http_filter import CorsPolicy
from meshd.snapshot.route import DirectResponse, Mirror, Redirect, RegexRewrite, RouteAction
from tests.helpers.gateway_api import EDGE, at_gateway, gateway, in_mesh, kube, listener
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import NODE, answer_to, compiled, eps, host, http, istio, routes_in, svc, tcp, to, virtual

SERVICES = (
    svc("web", "{name: http, port: 80}, {name: http-2, port: 81}"), svc("v1", "{name: http, port: 80}", "10.9.0.2"),
    svc("v2", "{name: http, port: 80}", "10.9.0.3"), eps("v1", "{name: http, port: 8080}", "{addresses: [10.1.0.1]}"),
)
TO_V1 = "backendRefs: [{name: v1, port: 80}]"
V1, V2 = f"outbound|80||{host('v1')}", f"outbound|80||{host('v2')}"


def routes(rules, *more, port=80):
    """Give the routes that the rules of an HTTPRoute make for `web`."""
    return routes_in(compiled(NODE, *SERVICES, in_mesh("web", rules), *more), str(port), f"{host('web')}:{port}")


def action(rule, *more):
    """Give what the one route of a rule does."""
    (route,) = routes(f"{{{rule}}}", *more)
    return route.action


def path(value, kind="PathPrefix", more=""):
    """Write a match."""
    return f"{{path: {{type: {kind}, value: '{value}'}}{more}}}"


def test_rules_are_tried_by_precedence():
    """Exact paths, prefixes, expressions; the longer first; then methods, headers, query parameters; then as they stand."""
    header, query = ", headers: [{name: a, value: b}]", ", queryParams: [{name: a, value: b}]"
    matches = (
        path("/"), path("/a.*", "RegularExpression"), path("/aa"), path("/aa", more=query), path("/aa", more=header + query),
        path("/aa", more=header),
        path("/aa", more=", method: GET"), path("/aaa"), path("/a", "Exact"), path("/bb"),
    )
    rules = ", ".join(f"{{name: r{number}, matches: [{match}], {TO_V1}}}" for number, match in enumerate(matches))
    assert ["r8", "r7", "r6", "r4", "r5", "r3", "r2", "r9", "r0"] == [route.name for route in routes(rules)]


def test_each_match_has_its_own_place():
    """And a rule without matches is the last; names are the route's own with the rule's place."""
    found = routes(f"{{{TO_V1}}}, {{matches: [{path('/a')}, {path('/b', 'Exact')}], {TO_V1}}}")
    assert ["default.route.1", "default.route.1", "default.route.0"] == [route.name for route in found]
    kinds = [(route.match.kind, route.match.path) for route in found]
    assert [("exact", "/b"), ("path_separated_prefix", "/a"), ("prefix", "/")] == kinds


@pytest.mark.parametrize(("asked", "status"), [("/a", None), ("/a/b", None), ("/ab", 404)])
def test_a_prefix_is_one_of_whole_segments(asked, status):
    """Unlike a VirtualService's."""
    world = compiled(NODE, *SERVICES, in_mesh("web", f"{{matches: [{path('/a')}], {TO_V1}}}"))
    call, _problems = Call.from_json(http("10.9.0.1", 80, "web", path=asked))
    assert call is not None
    assert status == explain(world.snapshot, call).status


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("", DirectResponse(500)),
        ("backendRefs: [{name: v1, port: 80, weight: 0}]", DirectResponse(500)),
        ("filters: [{type: RequestRedirect, requestRedirect: {}}]", Redirect(302)),
        ("filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: a.com, port: 8443}}]", Redirect(302, "https", "a.com", 8443)),
        ("filters: [{type: RequestRedirect, requestRedirect: {scheme: https, port: 443}}]", Redirect(302, "https")),
    ],
)
def test_what_leads_nowhere_is_answered(rule, expected):
    """With 500, or another place; a scheme's own port is not written."""
    assert expected == action(rule)


def test_a_redirect_keeps_the_port_of_the_listener():
    """Where it names none."""
    (found,) = routes("{filters: [{type: RequestRedirect, requestRedirect: {}}]}", port=81)
    assert Redirect(302, port=81) == found.action


def test_weights_are_shares():
    """Those without weight are left out; of one alone the share does not matter; headers may be changed for one."""
    both = action(
        "backendRefs: [{name: v1, port: 80, weight: 9}, {name: v2, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: "
        "{remove: [a]}}]}, {name: web, port: 80, weight: 0}]",
    )
    assert [(V1, 9), (V2, 1)] == [(one.name, one.weight) for one in both.weighted_clusters]
    assert [HeaderChanges(), HeaderChanges((), ("a",))] == [one.request_headers for one in both.weighted_clusters]
    assert (V1, ()) == ((only := action("backendRefs: [{name: v1, port: 80}, {name: v2, port: 80, weight: 0}]")).cluster, only.weighted_clusters)


@pytest.mark.parametrize(
    ("path_", "replacement", "prefix", "regex"),
    [
        ("/a", "/b", "/b", None), ("/a", "/b/", "/b", None), ("/a.b", "''", None, RegexRewrite(r"^/a\.b(/?)(.*)", r"/\2")),
        ("/", "/", None, RegexRewrite("^(/?)(.*)", r"/\2")),
    ],
)
def test_prefixes_are_replaced(path_, replacement, prefix, regex):
    """Or taken away, with the slash behind them."""
    rewrite = f"{{type: URLRewrite, urlRewrite: {{hostname: a.com, path: {{type: ReplacePrefixMatch, replacePrefixMatch: {replacement}}}}}}}"
    found = action(f"matches: [{path(path_)}], filters: [{rewrite}], {TO_V1}")
    assert (prefix, regex, "a.com") == (found.prefix_rewrite, found.regex_rewrite, found.host_rewrite)


def test_a_whole_path_is_replaced():
    """By an expression that takes all of it."""
    found = action(f"filters: [{{type: URLRewrite, urlRewrite: {{path: {{type: ReplaceFullPath, replaceFullPath: /b}}}}}}], {TO_V1}")
    assert RegexRewrite("/.*", "/b") == found.regex_rewrite


def test_everything_else_is_as_in_a_virtual_service():
    """Headers, mirrors, CORS, times, retries; an absent backend is answered 500."""
    (found,) = routes(
        f"{{{TO_V1}, timeouts: {{request: 2s, backendRequest: 1s}}, retry: {{codes: [503], attempts: 3}}, filters: ["
        "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}, "
        "{type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}, percent: 5}}, "
        "{type: RequestMirror, requestMirror: {backendRef: {name: absent, port: 80, namespace: default}}}, "
        "{type: CORS, cors: {allowMethods: [GET]}}]}",
    )
    assert isinstance(found.action, RouteAction)
    assert HeaderChanges((HeaderChange("a", "b", "OVERWRITE_IF_EXISTS_OR_ADD"),)) == found.request_headers
    assert Mirror(V2, 5.0, shadow_suffix=False) == found.action.mirrors[0]
    assert (CorsPolicy((), "GET", max_age="5", forward_not_matching_preflights=False),) == found.filters
    assert (2.0, 500) == (found.action.timeout, found.action.not_found_status)
    policy = found.action.retry_policy
    assert policy is not None
    assert (3, 1.0, (503,)) == (policy.attempts, policy.per_try_timeout, policy.retriable_status_codes)


def test_an_absent_backend_is_answered_500():
    """Envoy's 503 is for VirtualServices; what is wrong is told with the rule's line."""
    world = compiled(NODE, *SERVICES, in_mesh("web", "{backendRefs: [{name: absent, port: 80}]}"))
    assert f"0.0.0.0_80 80 outbound|80||{host('absent')} 500 NC" == answer_to(world, http("10.9.0.1", 80, "web"))
    assert ["expected a backend that is there, got Service default/absent, found none; its share of traffic fails"] == [
        problem.message for problem in world.problems
    ]


def test_routes_of_one_service_are_put_together():
    """By precedence, and among equals by age."""
    old, new = (", creationTimestamp: '2019-01-01T00:00:00Z'", ", creationTimestamp: '2021-01-01T00:00:00Z'")
    found = routes(
        f"{{matches: [{path('/a')}], {TO_V1}}}", in_mesh("web", f"{{matches: [{path('/a')}], {TO_V1}}}", name="new", meta=new),
        in_mesh("web", f"{{matches: [{path('/a')}, {path('/aa')}], {TO_V1}}}", name="old", meta=old),
    )
    assert ["default.old.0", "default.route.0", "default.old.0", "default.new.0"] == [route.name for route in found]


def test_a_port_narrows_a_route():
    """Other ports of the service keep their own."""
    world = compiled(NODE, *SERVICES, in_mesh("web", f"{{{TO_V1}}}", ", port: 81"))
    assert [f"outbound|80||{host('web')}", V1] == [routes_in(world, port, f"{host('web')}:{port}")[0].action.cluster for port in ("80", "81")]


@pytest.mark.parametrize(
    ("namespaces", "cluster"),
    [
        (("default",), "default"), (("other",), "web"), (("own",), "own"), (("default", "own"), "own"), (("default", "own", "other"), "own"),
        ((), "web"),
    ],
)
def test_a_service_of_another_namespace_is_routed_for_clients_of_the_routes_own(namespaces, cluster):
    """Those of the service's own namespace are for everybody; the client's own come first."""
    node = NODE.replace("namespace: default, addresses", "namespace: own, addresses")
    written = [
        in_mesh("web", f"{{backendRefs: [{{name: {place}.example, group: networking.istio.io, kind: Hostname, port: 80}}]}}", ", namespace: default",
                namespace=place)
        for place in namespaces
    ]
    entries = [
        istio("ServiceEntry", place, f"hosts: [{place}.example], ports: [{{number: 80, name: http, protocol: HTTP}}], resolution: DNS")
        for place in ("default", "own", "other")
    ]
    world = compiled(node, *SERVICES, *written, *entries)
    (route,) = routes_in(world, "80", f"{host('web')}:80")
    assert (f"outbound|80||{host('web')}" if cluster == "web" else f"outbound|80||{cluster}.example") == route.action.cluster


def test_the_clients_own_routes_come_before_virtual_services():
    """Even older ones (Istio)."""
    older = virtual("vs", f"hosts: [web], http: [{{{to('v2')}}}]", ", creationTimestamp: '2000-01-01T00:00:00Z'")
    assert V1 == action(TO_V1, older).cluster


def test_a_service_entry_is_a_parent():
    """With all of its hosts."""
    entry = istio("ServiceEntry", "out", "hosts: [a.example, b.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS")
    route = kube("HTTPRoute", "route", f"parentRefs: [{{group: networking.istio.io, kind: ServiceEntry, name: out}}], rules: [{{{TO_V1}}}]")
    world = compiled(NODE, *SERVICES, entry, route)
    assert [V1, V1] == [routes_in(world, "80", f"{name}.example:80")[0].action.cluster for name in "ab"]


def test_grpc_and_http_share_a_host():
    """Their rules are put in one order."""
    grpc = kube(
        "GRPCRoute", "grpc", f"parentRefs: [{{group: '', kind: Service, name: web}}], rules: [{{matches: [{{method: {{service: a.B}}}}], {TO_V1}}}]",
    )
    found = routes(f"{{matches: [{path('/api')}, {path('/a.B/long')}], {TO_V1}}}", grpc)
    assert ["/a.B/long", "/a.B", "/api"] == [route.match.path for route in found]


def test_tcp_routes_of_the_mesh():
    """Of a port alone, or of all."""
    database = svc("db", "{name: tcp, port: 3306}, {name: tcp-2, port: 3307}", "10.9.0.4")
    route = kube("TCPRoute", "db", f"parentRefs: [{{group: '', kind: Service, name: db, port: 3306}}], rules: [{{{TO_V1}}}]")
    world = compiled(NODE, *SERVICES, database, route)
    assert f"10.9.0.4_3306 - {V1} 10.1.0.1:8080" == answer_to(world, tcp("10.9.0.4", 3306))
    assert f"10.9.0.4_3307 - outbound|3307||{host('db')} closed UH" == answer_to(world, tcp("10.9.0.4", 3307))


@pytest.mark.parametrize(
    ("hostnames", "names"),
    [("", (host("web"),)), ("hostnames: [a.com], ", ("a.com",)), (f"hostnames: [a.com, {host('web')}], ", (host("web"),))],
)
def test_tls_routes_of_the_mesh_match_by_the_services_name(hostnames, names):
    """Where they have none of their own; of several those that are the service's."""
    route = kube("TLSRoute", "t", f"{hostnames}parentRefs: [{{group: '', kind: Service, name: web, port: 81}}], rules: [{{{TO_V1}}}]")
    world = World().changed(resources_of("\n---\n".join((*SERVICES, route))))
    ((service,), problems) = translated_routes(world, world.mesh)
    assert ((host("web"),), ("mesh",), []) == (service.hosts, service.gateways, problems)
    assert (ConnectionMatch(names, port=81),) == service.tls[0].matches


def test_connections_without_weight_lead_nowhere():
    """To no cluster, so that they are closed."""
    route = kube("TCPRoute", "t", "parentRefs: [{group: '', kind: Service, name: web}], rules: [{backendRefs: [{name: v1, port: 80, weight: 0}]}]")
    world = World().changed(resources_of("\n---\n".join((*SERVICES, route))))
    ((service,), _problems) = translated_routes(world, world.mesh)
    assert ["internal.cluster.local"] == [found.destination.host for found in service.tcp[0].destinations]


EDGES = gateway("edge", listener("all", 80, "HTTP"), listener("tls", 8443, "TLS", "tls: {mode: Passthrough}"), listener("tcp", 9000, "TCP"))


def test_routes_of_gateways():
    """Each host is a virtual host of its own; opaque connections go by server name, or all."""
    world = compiled(
        EDGE, *SERVICES, EDGES, at_gateway("edge", f"{{{TO_V1}}}", "a.example, b.example"),
        at_gateway("edge", f"{{{TO_V1}}}", "tls.example", kind="TLSRoute"), at_gateway("edge", f"{{{TO_V1}}}", kind="TCPRoute"),
    )
    assert {"a.example:80", "b.example:80"} == {one.name for one in world.snapshot.routes["http.80"].virtual_hosts}
    assert f"0.0.0.0_80 http.80 {V1} 10.1.0.1:8080" == answer_to(world, http("10.0.0.9", 80, "a.example"))
    assert f"0.0.0.0_9000 - {V1} 10.1.0.1:8080" == answer_to(world, tcp("10.0.0.9", 9000))
    sni = {"address": "10.0.0.9", "port": 8443, "protocol": "tls", "sni": "tls.example"}
    assert f"0.0.0.0_8443 - {V1} 10.1.0.1:8080" == answer_to(world, sni)
    assert () == world.problems


def test_tls_may_be_ended_before_a_tls_route():
    """Which still goes by server name."""
    ended = gateway("edge", listener("ended", 443, "TLS", "hostname: a.example, tls: {certificateRefs: [{name: cert}]}"))
    world = compiled(EDGE, *SERVICES, ended, at_gateway("edge", f"{{{TO_V1}}}", "a.example", kind="TLSRoute"))
    (chain,) = world.snapshot.listeners["0.0.0.0_443"].filter_chains
    assert chain.tls is not None
    assert (("a.example",), ("kubernetes-gateway://default/cert",)) == (chain.match.server_names, chain.tls.certificates)


def test_each_listener_takes_the_names_of_a_tls_route_that_are_its_own():
    """The narrower one of the two; those of other listeners are theirs."""
    mode = "tls: {mode: Passthrough}"
    edges = gateway(
        "edge", listener("one", 443, "TLS", f"hostname: a.example, {mode}"), listener("two", 443, "TLS", f"hostname: '*.b.example', {mode}"),
    )
    world = compiled(EDGE, *SERVICES, edges, at_gateway("edge", f"{{{TO_V1}}}", "'*.example', x.b.example", kind="TLSRoute"))
    names = [chain.match.server_names for chain in world.snapshot.listeners["0.0.0.0_443"].filter_chains]
    assert [("a.example",), ("*.b.example",), ("x.b.example",)] == names


def test_backends_of_other_namespaces_need_a_grant_behind_gateways():
    """In the mesh, clients go where they may go anyway."""
    theirs = svc("web", "{name: http, port: 80}", "10.9.0.9").replace("namespace: default", "namespace: prod")
    rule, cluster = "{backendRefs: [{name: web, namespace: prod, port: 80}]}", "outbound|80||web.prod.svc.cluster.local"
    whom = "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]"
    grant = kube("ReferenceGrant", "g", f"{whom}, to: [{{group: '', kind: Service}}]", "", "prod")
    edge = (EDGE, *SERVICES, theirs, EDGES, at_gateway("edge", rule, "a.example"))
    refused, granted = compiled(*edge), compiled(*edge, grant)
    assert "0.0.0.0_80 http.80 UnknownService 500 NC" == answer_to(refused, http("10.0.0.9", 80, "a.example"))
    assert f"0.0.0.0_80 http.80 {cluster} 503 UH" == answer_to(granted, http("10.0.0.9", 80, "a.example"))
    assert cluster == routes(rule, theirs)[0].action.cluster


def test_rules_keep_the_line_of_their_route():
    """So that `explain` quotes it."""
    world = compiled(NODE, *SERVICES, in_mesh("web", f"{{{TO_V1}}}"))
    ((origin,),) = (route.origins for route in routes_in(world, "80", f"{host('web')}:80"))
    assert ("HTTPRoute", "default/route") == (origin.kind, f"{origin.namespace}/{origin.name}")


def test_a_thousand_routes_of_one_gateway_take_no_time():
    """Nothing is held against everything."""
    edges = [gateway(f"g{number}", *(listener(f"l{place}", 80 + place, "HTTP") for place in range(20))) for number in range(50)]
    written = [at_gateway("g7", f"{{{TO_V1}}}", f"h{number}.example", f"r{number}") for number in range(1000)]
    world = World().changed(resources_of("\n---\n".join((*SERVICES, *edges, *written))))
    start = time.monotonic()
    found, problems = translated_routes(world, world.mesh)
    assert (20_000, []) == (len(found), problems)
    assert time.monotonic() - start < 10.0
