"""Rules for requests: which of them stand, and what their routes do."""

import pytest

from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.http_filter import CorsPolicy, Fault
from meshd.snapshot.route import DirectResponse, HashPolicy, Mirror, Redirect, RegexRewrite, RouteAction
from tests.helpers.small_worlds import NODE, answer_to, compiled, eps, host, http, istio, mesh, routes_in, svc, to, virtual

SERVICES = (
    svc("web", "{name: http, port: 80}, {name: http-2, port: 81}"), svc("v1", "{name: http, port: 8080}", "10.9.0.2"),
    svc("two", "{name: http, port: 80}, {name: http-2, port: 8080}", "10.9.0.3"),
    svc("out", "{name: http, port: 80}", "", ", type: ExternalName, externalName: out.example."),
)
WEB = f"{host('web')}:80"


def routes(rules, *others):
    """Give the routes that the rules of `web` make on port 80."""
    return routes_in(compiled(NODE, *SERVICES, virtual("vs", f"hosts: [web], http: [{rules}]"), *others), "80", WEB)


def action(rule, *others):
    """Give what the one route of a rule does."""
    (route,) = routes(f"{{{rule}}}", *others)
    return route.action


WORLD = """
  {name: get, match: [{name: by-uri, uri: {prefix: /A}, ignoreUriCase: true, method: {exact: GET}}], %s},
  {name: other, match: [{headers: {x-user: {regex: 'a.*'}}}, {queryParams: {q: {exact: '1'}}}, {authority: {exact: web.default}}], %s},
  {name: without, match: [{uri: {exact: /no}, withoutHeaders: {x-no: {}}}], %s},
  {name: labels, match: [{uri: {exact: /ours}, sourceLabels: {app: self}, sourceNamespace: default}], %s},
  {name: their-labels, match: [{uri: {prefix: /}, sourceLabels: {app: other}}], %s},
  {name: their-namespace, match: [{uri: {prefix: /}, sourceNamespace: other}], %s},
  {name: port, match: [{port: 81}], %s},
  {name: gateway, match: [{gateways: [edge]}], %s},
  {name: mesh, match: [{uri: {exact: /mesh}, gateways: [mesh, edge]}], %s},
  {name: scheme, match: [{scheme: {exact: https}}], %s},
  {name: rest, %s}
""" % ((to("v1"),) * 11)
ASKED = [
    ({"path": "/abc"}, "get.by-uri"),
    ({"path": "/abc", "method": "POST"}, "rest"),
    ({"headers": {"x-user": "abc"}}, "other"),
    ({"headers": {"x-user": "bc"}}, "rest"),
    ({"path": "/?q=1"}, "other"),
    ({"path": "/?q=2"}, "rest"),
    ({"authority": "web.default"}, "other"),
    ({"path": "/no"}, "without"),
    ({"path": "/no", "headers": {"x-no": "1"}}, "rest"),
    ({"path": "/ours"}, "labels"),
    ({"path": "/mesh"}, "mesh"),
    ({"port": 81}, "port"),
    ({"path": "/"}, "rest"),
]


@pytest.fixture(scope="module")
def world():
    """Give the world with all matches."""
    return compiled(NODE, *SERVICES, virtual("vs", f"hosts: [web], http: [{WORLD}]"))


@pytest.mark.parametrize(("request_of", "route"), ASKED)
def test_the_first_rule_that_matches_decides(request_of, route, world):
    """Held against the route that `explain` finds."""
    call, problems = Call.from_json({**http("10.9.0.1", 80, "web"), **request_of})
    assert call is not None, problems
    assert route == explain(world.snapshot, call).route


def test_rules_for_others_are_left_out():
    """Matches of other workloads, ports and gateways make no route; several matches make one each."""
    names = [route.name for route in routes(WORLD)]
    assert ["get.by-uri", "other", "other", "other", "without", "labels", "mesh", "scheme", "rest"] == names


def test_nothing_stands_behind_a_rule_that_takes_everything():
    """It would never be asked; a rule that matches nothing here is no such rule."""
    everything = f"{{name: b, match: [{{uri: {{prefix: /}}}}], {to('v1')}}}"
    found = routes(f"{{name: a, match: [{{port: 81}}], {to('v1')}}}, {everything}, {{name: c, {to('v1')}}}")
    assert ["b"] == [route.name for route in found]


def test_without_a_rule_for_the_port_the_service_has_its_own_route():
    """As if there were no VirtualService."""
    (route,) = routes(f"{{match: [{{port: 81}}], {to('v1')}}}")
    assert ("default", f"outbound|80||{host('web')}") == (route.name, route.action.cluster)


@pytest.mark.parametrize(
    ("destination", "cluster"),
    [
        ("web", f"outbound|80||{host('web')}"),
        ("web, port: {number: 81}", f"outbound|81||{host('web')}"),
        ("v1, port: {number: 8080}, subset: s", f"outbound|8080|s|{host('v1')}"),
        ("two", f"outbound|80||{host('two')}"),
        ("two.default.svc.cluster.local", f"outbound|80||{host('two')}"),
        ("two.other", "outbound|80||two.other"),
        ("out", "outbound|80||out.example"),
        ("nowhere", f"outbound|80||{host('nowhere')}"),
    ],
)
def test_destinations_are_clusters(destination, cluster):
    """The port as given, else the listener's; short names are of the VirtualService's namespace, an alias is what it stands for."""
    assert cluster == action(to(destination)).cluster


CHANGES = "headers: {request: {set: {x-b: '1', x-a: '2'}, add: {x-c: '3'}, remove: [x-d]}, response: {set: {x-e: '4'}}}"
SET = "OVERWRITE_IF_EXISTS_OR_ADD"
REQUEST = HeaderChanges((HeaderChange("x-a", "2", SET), HeaderChange("x-b", "1", SET), HeaderChange("x-c", "3")), ("x-d",))
RESPONSE = HeaderChanges((HeaderChange("x-e", "4", SET),))


def test_headers_are_changed():
    """Set by name, then added; those of a single destination follow the rule's own."""
    (route,) = routes(f"{{{CHANGES}, {to('v1')}}}")
    assert (REQUEST, RESPONSE) == (route.request_headers, route.response_headers)
    (route,) = routes(f"{{{CHANGES}, route: [{{destination: {{host: v1}}, headers: {{request: {{add: {{x-z: '9'}}}}}}}}]}}")
    assert (*REQUEST.add, HeaderChange("x-z", "9")) == route.request_headers.add


def test_weights():
    """Each with its own changes of headers; those without a share get nothing."""
    found = action(f"route: [{{destination: {{host: v1}}, weight: 1, {CHANGES}}}, {{destination: {{host: two}}}}, "
                   "{destination: {host: web, subset: s}, weight: 9}]")
    assert "" == found.cluster
    assert [(f"outbound|80||{host('v1')}", 1, REQUEST, RESPONSE), (f"outbound|80|s|{host('web')}", 9, HeaderChanges(), HeaderChanges())] == [
        (one.name, one.weight, one.request_headers, one.response_headers) for one in found.weighted_clusters
    ]


@pytest.mark.parametrize(
    ("rule", "host_rewrite", "prefix", "regex"),
    [
        ("rewrite: {uri: /x}", "", "/x", None),
        ("rewrite: {authority: a.example}", "a.example", None, None),
        ("rewrite: {uri: /x, authority: a.example}", "a.example", "/x", None),
        ("rewrite: {uriRegexRewrite: {match: '^/a(.*)', rewrite: '/b\\1'}}", "", None, RegexRewrite("^/a(.*)", "/b\\1")),
        ("headers: {request: {set: {host: b.example}}}", "b.example", None, None),
        ("headers: {request: {set: {':authority': b.example}}}", "b.example", None, None),
    ],
)
def test_rewrites(rule, host_rewrite, prefix, regex):
    """The authority may stand among the headers, and is not changed there."""
    (route,) = routes(f"{{match: [{{uri: {{prefix: /a}}}}], {rule}, {to('v1')}}}")
    assert (host_rewrite, prefix, regex) == (route.action.host_rewrite, route.action.prefix_rewrite, route.action.regex_rewrite)
    assert HeaderChanges() == route.request_headers


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("redirect: {uri: /x}", Redirect(path="/x")),
        ("redirect: {authority: b.example, redirectCode: 308}", Redirect(308, host="b.example")),
        ("redirect: {scheme: https, port: 8443}", Redirect(scheme="https", port=8443)),
        ("redirect: {prefixRewrite: /x}", Redirect(prefix_rewrite="/x")),
        ("redirect: {authority: b.example, derivePort: FROM_REQUEST_PORT}", Redirect(host="b.example")),  # port 80 of http is not written
        ("redirect: {scheme: https, derivePort: FROM_REQUEST_PORT}", Redirect(scheme="https", port=80)),
        ("redirect: {scheme: https, port: 443}", Redirect(scheme="https")),
        ("directResponse: {status: 503}", DirectResponse(503)),
        ("directResponse: {status: 200, body: {string: hello}}", DirectResponse(200, "hello")),
        ("directResponse: {status: 200, body: {bytes: aGVsbG8=}}", DirectResponse(200, "hello")),
        ("directResponse: {status: 200, body: {bytes: /wDDqQ==}}", DirectResponse(200, "\udcff\0é")),
    ],
)
def test_answers_without_an_upstream(rule, expected):
    """Redirects and direct responses."""
    assert expected == action(rule)


@pytest.mark.parametrize(("rule", "timeout"), [("", 0.0), ("timeout: 1.5s, ", 1.5)])
def test_timeouts(rule, timeout):
    """None unless it is asked for; gRPC's own is capped by it."""
    found = action(rule + to("v1"))
    assert (timeout, timeout) == (found.timeout, found.max_grpc_timeout)


RETRIES = "retries: {attempts: 3, perTryTimeout: 2s, retryOn: 'gateway-error,409'}, "


@pytest.mark.parametrize(
    ("rule", "default", "expected"),
    [
        ("", "", (2, 0.0, ())),
        (RETRIES, "", (3, 2.0, (409,))),
        ("retries: {attempts: 0}, ", "", None),
        ("", "defaultHttpRetryPolicy: {attempts: 5}", (5, 0.0, ())),
        (RETRIES, "defaultHttpRetryPolicy: {attempts: 5}", (3, 2.0, (409,))),
        ("", "defaultHttpRetryPolicy: {attempts: 0}", None),
    ],
)
def test_retries(rule, default, expected):
    """The rule's, else the mesh's, else two."""
    found = action(rule + to("v1"), *([mesh(default)] if default else [])).retry_policy
    assert expected == (found and (found.attempts, found.per_try_timeout, found.retriable_status_codes))


@pytest.mark.parametrize(
    ("rule", "mirrors"),
    [
        ("mirror: {host: two}", [("two", 100.0)]),
        ("mirror: {host: two}, mirrorPercentage: {value: 12.5}", [("two", 12.5)]),
        ("mirror: {host: two}, mirrorPercentage: {value: 0}", []),
        ("mirrors: [{destination: {host: two}, percentage: {value: 1}}, {destination: {host: web}}]", [("two", 1.0), ("web", 100.0)]),
    ],
)
def test_mirrors(rule, mirrors):
    """The authority stays as it is, and what is mirrored never is not mirrored."""
    expected = tuple(Mirror(f"outbound|80||{host(name)}", percent, shadow_suffix=False) for name, percent in mirrors)
    assert expected == action(f"{rule}, {to('v1')}").mirrors


def test_faults_and_cors_are_settings_of_filters():
    """Of the route."""
    fault = "fault: {delay: {fixedDelay: 2s, percentage: {value: 50}}, abort: {httpStatus: 418, percentage: {value: 0.1}}}"
    (route,) = routes(f"{{{fault}, corsPolicy: {{allowMethods: [GET]}}, {to('v1')}}}")
    assert (Fault(2.0, 50.0, 418, None, 0.1), CorsPolicy(allow_methods="GET", forward_not_matching_preflights=True)) == route.filters


def test_hashes_come_with_the_destination():
    """Where its DestinationRule hashes; then retries do not avoid the endpoint that failed."""
    hashed = istio("DestinationRule", "r", "host: v1, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}")
    found = action(to("v1"), hashed)
    assert isinstance(found, RouteAction)
    assert found.retry_policy is not None
    assert ((HashPolicy("header", "x-user"),), False) == (found.hash_policies, found.retry_policy.previous_hosts)
    found = action("route: [{destination: {host: v1}, weight: 1}, {destination: {host: two}, weight: 1}]", hashed)
    assert (HashPolicy("header", "x-user"),) == found.hash_policies


def test_requests_get_where_the_rule_leads():
    """Whole, from the client's call to the endpoint."""
    rule = virtual("vs", f"hosts: [web], http: [{{{to('v1, port: {number: 8080}')}}}]")
    found = compiled(NODE, *SERVICES, rule, eps("v1", "{name: http, port: 9090}", "{addresses: [10.1.0.1]}"))
    assert f"0.0.0.0_80 80 outbound|8080||{host('v1')} 10.1.0.1:9090" == answer_to(found, http("10.9.0.1", 80, "web"))
    assert [] == found.snapshot.inconsistencies()


def test_routes_know_their_rule_and_its_root():
    """The root first, whose route it is; a rule of its own stands alone."""
    child = virtual("child", f"http: [{{match: [{{uri: {{prefix: /a}}}}], {to('v1')}}}]")
    found = routes(f"{{delegate: {{name: child}}}}, {{{to('two')}}}", child)
    assert [["vs", "child"], ["vs"]] == [[origin.name for origin in route.origins] for route in found]
