"""Route configurations of edge proxies."""

import pytest

from meshd.snapshot.route import Redirect
from tests.helpers.edge import EDGE_NODE, TLS_FILES, gateway, server
from tests.helpers.small_worlds import answer_to, compiled, eps, host, http, svc, to, virtual

WEB = (
    svc("web", "{name: http, port: 80}"), svc("two", "{name: http, port: 8080}", "10.9.0.2"),
    eps("web", "{name: http, port: 8081}", "{addresses: [10.1.0.1]}"),
)
EDGE = gateway("edge", server(80, "HTTP"))


def rules(name, hosts, rule, more="", year=2020, namespace="default"):
    """Write a VirtualService for the Gateway `default/edge`."""
    spec = f"hosts: [{hosts}], gateways: [default/edge], http: [{rule}]{more}"
    return virtual(name, spec, f", creationTimestamp: '{year}-01-01T00:00:00Z'", namespace)


def hosts_of(world, configuration="http.80"):
    """Give the virtual hosts of a route configuration: domains with clusters of routes."""
    found = world.snapshot.routes[configuration].virtual_hosts
    return {one.domains: [getattr(route.action, "cluster", type(route.action).__name__) for route in one.routes] for one in found}


def table(*documents, configuration="http.80"):
    """Give the virtual hosts of a world."""
    return hosts_of(compiled(EDGE_NODE, *WEB, *documents), configuration)


TO_WEB, TO_TWO = f"outbound|80||{host('web')}", f"outbound|8080||{host('two')}"


@pytest.mark.parametrize(
    ("servers", "hosts", "expected"),
    [
        ("'*'", "a.example", ["a.example"]),
        ("'*'", "a.example, b.example", ["a.example", "b.example"]),
        ("'*'", "'*'", ["*"]),
        ("'*.example'", "a.example, b.test", ["a.example"]),
        ("a.example", "'*.example'", ["a.example"]),
        ("default/a.example", "a.example", ["a.example"]),
        ("'*'", "web", [host("web")]),
    ],
)
def test_hosts_are_those_in_common(servers, hosts, expected):
    """Of the server and the VirtualService; each is a virtual host of its own, without shorter names."""
    found = table(gateway("edge", server(80, "HTTP", servers)), rules("v", hosts, f"{{{to('web')}}}"))
    assert {(name,): [TO_WEB] for name in expected} == found


@pytest.mark.parametrize(
    "documents",
    [
        (), (virtual("v", f"hosts: [a.example], http: [{{{to('web')}}}]"),), (rules("v", "a.example", f"{{match: [{{port: 81}}], {to('web')}}}"),),
        (rules("v", "a.example", f"{{{to('web')}}}", ", exportTo: ['.']", namespace="other"),),
        (virtual("v", f"hosts: [a.example], gateways: [other/edge], http: [{{{to('web')}}}]"),),
    ],
)
def test_without_rules_there_is_nothing_behind_a_port(documents):
    """Those of the mesh, of other ports, namespaces and Gateways do not count."""
    assert {("*",): []} == table(EDGE, *documents)


def test_destinations_have_the_port_of_the_service():
    """Its only one, else the Gateway's."""
    found = table(EDGE, rules("v", "a.example", f"{{match: [{{uri: {{exact: /}}}}], {to('two')}}}, {{{to('web')}}}"))
    assert {("a.example",): [TO_TWO, TO_WEB]} == found


def test_virtual_services_of_one_host_are_put_together():
    """The oldest first, rules that take everything last."""
    rest, path = f"{{{to('web')}}}", f"{{match: [{{uri: {{prefix: /a}}}}], {to('two')}}}"
    found = table(EDGE, rules("young", "a.example", path, year=2021), rules("old", "a.example", rest, year=2020))
    assert {("a.example",): [TO_TWO, TO_WEB]} == found


def test_matches_name_gateways():
    """In the place of the VirtualService's own."""
    matched = ", ".join(f"{{match: [{{uri: {{exact: /{name}}}, gateways: [{name}]}}], {to('web')}}}" for name in ("edge", "mesh", "other/edge"))
    world = compiled(EDGE_NODE, *WEB, EDGE, virtual("v", f"hosts: [a.example], gateways: [edge, mesh], http: [{matched}]"))
    (found,) = world.snapshot.routes["http.80"].virtual_hosts
    assert ["/edge"] == [route.match.path for route in found.routes]


def test_tls_servers_have_their_own():
    """Each by the name of its port; requests of one never take the other's routes."""
    servers = server(443, "HTTPS", "a.example", TLS_FILES, "a"), server(443, "HTTPS", "b.example", TLS_FILES, "b")
    world = compiled(EDGE_NODE, *WEB, gateway("edge", *servers), rules("v", "a.example, b.example", f"{{{to('web')}}}"))
    assert {("a.example",): [TO_WEB]} == hosts_of(world, "https.443.a-443.edge.default")
    assert {("b.example",): [TO_WEB]} == hosts_of(world, "https.443.b-443.edge.default")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((), {"a.example": "ALL"}),
        ((rules("v", "a.example", f"{{{to('web')}}}"),), {"a.example": "ALL"}),
        ((rules("v", "'*.example'", f"{{{to('web')}}}"),), {"a.example": "ALL"}),
    ],
)
def test_a_server_may_send_everybody_to_https(documents, expected):
    """With rules or without."""
    redirecting = gateway("edge", server(80, "HTTP", "a.example", "tls: {httpsRedirect: true}"))
    found = compiled(EDGE_NODE, *WEB, redirecting, *documents).snapshot.routes["http.80"].virtual_hosts
    assert expected == {one.domains[0]: one.require_tls for one in found}


def test_redirects_keep_the_port_only_where_they_are_told_to():
    """The Gateway's."""
    world = compiled(EDGE_NODE, *WEB, gateway("edge", server(8080, "HTTP")),
                     rules("v", "a.example", "{redirect: {authority: b.example, derivePort: FROM_REQUEST_PORT}}"))
    (found,) = world.snapshot.routes["http.8080"].virtual_hosts
    assert Redirect(host="b.example", port=8080) == found.routes[0].action


def test_servers_of_a_port_share_a_table():
    """Origins are the Gateways and the VirtualServices."""
    other = gateway("other", server(80, "HTTP", "b.example"), year=2021)
    world = compiled(EDGE_NODE, *WEB, EDGE, other, rules("v", "a.example", f"{{{to('web')}}}"),
                     virtual("w", f"hosts: [b.example], gateways: [other], http: [{{{to('web')}}}]"))
    assert {("a.example",): [TO_WEB], ("b.example",): [TO_WEB]} == hosts_of(world)
    found = world.snapshot.routes["http.80"]
    assert (["edge", "other"], [["edge", "v"], ["other", "w"]]) == (
        [origin.name for origin in found.origins], [[origin.name for origin in one.origins] for one in found.virtual_hosts],
    )


def test_requests_get_through_the_edge():
    """To the endpoint; names that no rule has are not found."""
    world = compiled(EDGE_NODE, *WEB, EDGE, rules("v", "a.example", f"{{{to('web')}}}"))
    asked = {"direction": "gateway"}
    assert f"0.0.0.0_80 http.80 {TO_WEB} 10.1.0.1:8081" == answer_to(world, http("10.0.0.9", 80, "a.example", **asked))
    assert "0.0.0.0_80 http.80 - 404 NR" == answer_to(world, http("10.0.0.9", 80, "b.example", **asked))
    assert [] == world.snapshot.inconsistencies()
