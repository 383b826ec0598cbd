"""Reading VirtualServices as Istio validates them."""

import time

import pytest

from meshd.base.origins import Origin
from meshd.model.kinds import read_resource
from meshd.model.paths import no_lines
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import (
    ConnectionMatch,
    ConnectionRoute,
    CorsPolicy,
    Delegate,
    Destination,
    HeaderOperations,
    Headers,
    HttpDirectResponse,
    HttpFault,
    HttpMatch,
    HttpMirror,
    HttpRedirect,
    HttpRetry,
    HttpRewrite,
    HttpRoute,
    VirtualService,
    WeightedDestination,
)
from tests.helpers.networking import VIRTUAL_SERVICE, read, wrong

ROUTE = "route: [{destination: {host: a}}]"


def at(line: int) -> Origin:
    """Give the origin of a rule in a line."""
    return Origin("a.yaml", line, "VirtualService", "default", "web")


def test_reads_a_whole_virtual_service():
    """Every field; rules know their own lines."""
    found = read(VirtualService, VIRTUAL_SERVICE)
    api = HttpMatch(
        "api", StringMatch("prefix", "/api"), StringMatch("exact", "http"), StringMatch("regex", "GET|HEAD"), StringMatch("exact", "web"), True,
        {"x-user": StringMatch("exact", "jane"), "x-any": StringMatch("present")}, {"x-bot": StringMatch("present")},
        {"page": StringMatch("exact", "1")}, 80, {"app": "client"}, "prod", ("mesh",),
    )  # fmt: skip
    first = HttpRoute(
        "first",
        (api, HttpMatch(uri=StringMatch("exact"))),
        (
            WeightedDestination(Destination("web", "v1", 8080), 80, Headers(HeaderOperations({"x-a": "1"}))),
            WeightedDestination(Destination("web.prod.svc.cluster.local"), 20),
        ),
        rewrite=HttpRewrite("/v1"),
        timeout=2.0,
        retries=HttpRetry(3, 0.5, "5xx,503", False, False, 0.01),
        fault=HttpFault(5.0, 0.5, 503, -1, 10.0),
        mirrors=(HttpMirror(Destination("shadow"), 12.5),),
        cors=CorsPolicy(
            (StringMatch("exact", "https://example.com"), StringMatch("regex", "https://.*")),
            *(("GET", "POST"), ("x-a",), ("x-b",), 86400.0, True, "IGNORE"),
        ),
        headers=Headers(
            HeaderOperations({":authority": "inner2"}, {"x-c": "%REQ(x)%"}, ("x-d",)),
            HeaderOperations({"x-e": "100%%"}, {"x-f": "f"}, ("server",)),
        ),
        origin=at(9),
    )
    redirect = HttpRoute(redirect=HttpRedirect("/new", None, "new:81", 8443, "", "https", 308), origin=at(49))
    answer = HttpRoute(direct_response=HttpDirectResponse(503, b"closed"), origin=at(50))
    assert (first, redirect, answer, HttpRoute(delegate=Delegate("other", "prod"), origin=at(51))) == found.http
    assert (("web", "*.example.com", "10.0.0.1"), ("mesh", "edge/main"), (".", "prod")) == (found.hosts, found.gateways, found.export_to)


def test_reads_rules_for_connections():
    """TLS by server names, TCP by addresses and ports."""
    found = read(VirtualService, VIRTUAL_SERVICE)
    sni = ConnectionMatch(("web", "a.example.com"), ("10.0.0.0/8",), 443, {"app": "client"}, "prod", ("mesh",))
    shares = (WeightedDestination(Destination("web"), 1), WeightedDestination(Destination("web2"), 3))
    matches = (ConnectionMatch(port=3306), ConnectionMatch(destination_subnets=("10.0.0.1",)))
    assert (ConnectionRoute((sni,), shares, at(53)),) == found.tls
    assert (ConnectionRoute(matches, (WeightedDestination(Destination("db")),), at(62)),) == found.tcp


def test_what_others_delegate_to_has_no_hosts():
    """Nor gateways."""
    found = read(VirtualService, f"{{http: [{{{ROUTE}}}]}}")
    assert (True, ("mesh",)) == (found.is_delegate, found.gateways)


def test_gateways_take_any_host():
    """And server names of Istio's own for ports."""
    rule = "tls: [{match: [{sniHosts: [outbound_.80_.v1_.a.example.com]}], " + ROUTE + "}]"
    assert ("*",) == read(VirtualService, f"{{hosts: ['*'], gateways: [edge], {rule}}}").hosts


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec: expected http, tls or tcp, got none of them"]),
        ("{hosts: web, http: [{route: [{destination: {host: a}}]}]}", ["error spec.hosts: expected a list, got 'web'; begin each item with '- '"]),
        ("{hosts: [web], http: {}}", ["error spec.http: expected a list, got a mapping; begin each item with '- '"]),
        ("{hosts: [web], http: [5]}", ["error spec.http[0]: expected a mapping, got the number 5"]),
        ("{hosts: ['*'], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.hosts[0]: expected a host, since * is for gateways other than mesh, got '*'",
        ]),
        ("{hosts: [a b], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.hosts[0]: expected a DNS name, or one with * in the place of its first label, got 'a b'",
        ]),
        ("{hosts: [web, web], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.hosts: expected hosts that do not cover each other, got web and web",
        ]),
        ("{hosts: ['*.example.com', a.example.com], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.hosts: expected hosts that do not cover each other, got *.example.com and a.example.com",
        ]),
        ("{hosts: [web], gateways: [a b], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.gateways[0]: expected a gateway's name, or namespace/name, got 'a b'",
        ]),
        ("{hosts: [web], gateways: [edge.prod], http: [{route: [{destination: {host: a}}]}]}", [
            "warning spec.gateways[0]: expected namespace/name, got the old spelling edge.prod",
        ]),
        ("{hosts: [web], exportTo: [All], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.exportTo[0]: expected *, ., ~ or the name of a namespace, got 'All'",
        ]),
        ("{gateways: [edge], http: [{route: [{destination: {host: a}}]}]}", [
            "error spec.gateways: expected hosts, or no gateways in what others delegate to, got gateways alone",
        ]),
        ("{tcp: [{route: [{destination: {host: a}}]}]}", [
            "error spec.tcp: expected hosts, or rules for requests only in what others delegate to, got rules for connections",
        ]),
        ("{http: [{delegate: {name: a}}]}", ["error spec.http[0].delegate: expected no delegate in what others delegate to, got one"]),
        ("{hosts: [web], tls: [{match: [{sniHosts: [other]}], route: [{destination: {host: a}}]}]}", [
            "error spec.tls[0].match[0].sniHosts: expected names that the hosts cover, got other",
        ]),
        ("{hosts: [web], tls: [{route: [{destination: {host: a}}]}]}", [
            "error spec.tls[0].match: expected at least one match with sniHosts, got none",
        ]),
        ("{hosts: [web], tls: [{match: [{port: 1}], route: [{destination: {host: a}}]}]}", [
            "error spec.tls[0].match[0].sniHosts: expected at least one server name, got nothing",
        ]),
        ("{hosts: [web], tcp: [{match: [{port: 1}]}]}", ["error spec.tcp[0].route: expected a destination, got nothing"]),
        ("{hosts: [web], tcp: [{route: [{destination: {host: a}, headers: {}}]}]}", [
            "warning spec.tcp[0].route[0].headers: expected a known field, got headers, which is ignored",
        ]),
        ("{hosts: [web], http: [{}]}", ["error spec.http[0]: expected one of route, redirect, directResponse and delegate, got none of them"]),
        ("{hosts: [web], http: [{route: []}]}", [
            "error spec.http[0]: expected one of route, redirect, directResponse and delegate, got none of them",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], redirect: {uri: /a}}]}", [
            "error spec.http[0]: expected one of route, redirect, directResponse and delegate, got route and redirect",
        ]),
        ("{hosts: [web], http: [{redirect: {uri: /a}, rewrite: {uri: /b}}]}", [
            "error spec.http[0].rewrite: expected no rewrite beside redirect, got one",
        ]),
        ("{hosts: [web], http: [{directResponse: {status: 200}, fault: {abort: {httpStatus: 500}}}]}", [
            "error spec.http[0].fault: expected no fault beside directResponse, got one",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], rewrite: {authority: a}, headers: {request: {set: {Host: b}}}}]}", [
            "error spec.http[0].rewrite: expected the authority to be set once, got it in rewrite and in headers",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], timeout: 5}]}", [
            "error spec.http[0].timeout: expected a duration of at least 0.001s such as 10s or 250ms, got the number 5",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], timeout: 0s}]}", [
            "error spec.http[0].timeout: expected a duration of at least 0.001s such as 10s or 250ms, got '0s'",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], timeout: 1500us}]}", [
            "error spec.http[0].timeout: expected whole milliseconds, got '1500us'",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], timout: 1s}]}", [
            "warning spec.http[0].timout: expected a known field, got timout, which is ignored; did you mean timeout?",
        ]),
        ("{hosts: [web], http: [{route: [{destination: {host: a}}], name: 5}]}", [
            "error spec.http[0].name: expected text, got the number 5; quote it",
        ]),
        ("{hosts: [web], http: [{match: [{headers: {'@request.auth.claims.sub': {exact: a}}}], route: [{destination: {host: a}}]}]}", [
            "warning spec.http[0].match[0].headers[@request.auth.claims.sub]: a condition on a JWT's claim is not served yet and never holds",
            "error spec.http[0].match: expected a gateway other than mesh for conditions on claims of a JWT, got mesh alone",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; those of matches and actions are in their own tests."""
    assert expected == wrong(VirtualService, spec)


def test_reads_ten_thousand_rules_and_hosts():
    """Within a second or so: nothing is compared with everything."""
    rules = [
        {"match": [{"uri": {"regex": f"/{number}/.*"}}], "route": [{"destination": {"host": "a", "port": {"number": 80}}}], "timeout": "1s"}
        for number in range(10_000)
    ]
    hosts = [f"{'*' if number % 2 else 'a'}.h{number}.example.com" for number in range(10_000)]
    body = {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web"}, "spec": {"hosts": hosts, "http": rules},
    }  # fmt: skip
    start = time.monotonic()
    [found], problems = read_resource(body, Origin("a.yaml"), no_lines)
    assert isinstance(found, VirtualService)
    assert (10_000, 10_000, []) == (len(found.http), len(found.hosts), problems)
    assert time.monotonic() - start < 20
