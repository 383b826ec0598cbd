"""Servers of edge proxies, by port."""

import pytest

from meshd.compile.gateway_servers import edge_ports, is_http, is_tls
from meshd.model.world import World
from tests.helpers.edge import TLS_FILES, gateway, server
from tests.helpers.resources import complaints_of, resources_of
from tests.helpers.services import machine, proxy

EDGE = {"app": "self"}


def ports(*documents):
    """Give each port as `number bind` with the Gateways and route names of its servers, and what is told."""
    text = "\n---\n".join(documents)
    assert [] == [line for line in complaints_of(text) if line.startswith("error")]
    found, problems = edge_ports(World().changed(resources_of(text)), proxy(machine(labels=EDGE, gateway=True)))
    shown = {f"{port.number} {port.bind}".strip(): [f"{one.gateway} {one.routes}".strip() for one in port.servers] for port in found}
    return shown, [f"{problem.origin.name}: {problem.message}" for problem in problems]


@pytest.mark.parametrize(
    ("selector", "chosen"), [("app: self", True), ("app: other", False), ("app: self, x: z", False), ("", True)],
)
def test_gateways_choose_edge_proxies_by_labels(selector, chosen):
    """An empty selector chooses every one."""
    expected = {"80": ["default/a http.80"]} if chosen else {}
    assert (expected, []) == ports(gateway("a", server(80, "HTTP"), selector=selector))


@pytest.mark.parametrize(
    ("text", "place", "routes"),
    [
        (server(80, "HTTP"), "80", " http.80"),
        (server(80, "HTTP", more="bind: 10.0.0.1"), "80 10.0.0.1", " http.80.10.0.0.1"),
        (server(80, "GRPC"), "80", " http.80"),
        (server(80, "HTTP2"), "80", " http.80"),
        (server(80, "HTTP", more="tls: {httpsRedirect: true}"), "80", " http.80"),
        (server(443, "HTTPS", more=TLS_FILES), "443", " https.443.https-443.a.default"),
        (server(443, "HTTPS", more="tls: {mode: PASSTHROUGH}"), "443", ""),
        (server(443, "TLS", more=TLS_FILES), "443", ""),
        (server(443, "TLS", more="tls: {mode: PASSTHROUGH}"), "443", ""),
        (server(90, "TCP"), "90", ""),
    ],
)
def test_names_of_route_configurations(text, place, routes):
    """What is not HTTP has none."""
    assert ({place: [f"default/a{routes}"]}, []) == ports(gateway("a", text))


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (server(80, "HTTP"), server(80, "HTTP"), ""),
        (server(80, "HTTP"), server(80, "GRPC"), ""),
        (server(80, "HTTP"), server(80, "HTTP", more="bind: 10.0.0.1"), ""),
        (server(443, "HTTPS", "a.example", TLS_FILES), server(443, "HTTPS", "b.example", TLS_FILES), ""),
        (server(443, "HTTPS", "a.example", TLS_FILES), server(443, "TLS", "b.example", "tls: {mode: PASSTHROUGH}"), ""),
        (server(80, "HTTP"), server(80, "TCP"), "expected port 80 for itself, found it taken by default/a; it is left out"),
        (server(90, "TCP"), server(90, "TCP"), "expected port 90 for itself, found it taken by default/a; it is left out"),
        (server(443, "HTTPS", "a.example", TLS_FILES), server(443, "HTTP", "b.example"),
         "expected port 443 for itself, found it taken by default/a with HTTPS; it is left out"),
        (server(443, "HTTPS", "a.example", TLS_FILES), server(443, "HTTPS", "a.example", TLS_FILES),
         "expected names that no other server has on port 443, found a.example of default/a; it is left out"),
    ],
)
def test_the_oldest_gateway_wins_a_port(first, second, told):
    """Plain HTTP servers share it, and TLS servers with names of their own; who could not have it is told."""
    found, problems = ports(gateway("b", second, year=2021), gateway("a", first, year=2020))
    servers = [name.partition(" ")[0] for names in found.values() for name in names]
    assert ((["default/a"], [f"b: {told}"]) if told else (["default/a", "default/b"], [])) == (servers, problems)


def test_one_gateway_needs_a_port_name_for_each_of_its_tls_servers():
    """The route configuration has its name."""
    one = server(443, "HTTPS", "a.example", TLS_FILES, "x"), server(443, "HTTPS", "b.example", TLS_FILES, "x")
    found, problems = ports(gateway("a", *one))
    assert {"443": ["default/a https.443.x-443.a.default"]} == found
    assert ["a: expected another port name, found x-443 of default/a on port 443; it is left out"] == problems


@pytest.mark.parametrize(
    ("protocol", "more", "http", "tls"),
    [
        ("HTTP", "", True, False), ("HTTPS", TLS_FILES, True, True), ("HTTPS", "tls: {mode: PASSTHROUGH}", False, True),
        ("TLS", TLS_FILES, False, True), ("TCP", "", False, False), ("HTTP", "tls: {httpsRedirect: true}", True, False),
    ],
)
def test_what_servers_speak(protocol, more, http, tls):
    """Requests, TLS, or both."""
    (found,) = resources_of(gateway("a", server(443, protocol, more=more)))
    assert (http, tls) == (is_http(found.servers[0]), is_tls(found.servers[0]))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("'*'", ("*", "*")), ("A.Example", ("*", "a.example")), ("./a.example", ("default", "a.example")), ("other/a.example", ("other", "a.example")),
     ("'*/a.example'", ("*", "a.example"))],
)
def test_hosts_of_servers(host, expected):
    """The namespace before the slash; a dot is the Gateway's own."""
    world = World().changed(resources_of(gateway("a", server(80, "HTTP", host))))
    ((port,), _problems) = edge_ports(world, proxy(machine(labels=EDGE, gateway=True)))
    assert (expected,) == port.servers[0].hosts
