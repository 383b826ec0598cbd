"""Virtual hosts and their domains."""

import pytest

from meshd.compile.http_rules import RuleContext
from meshd.compile.virtual_hosts import RouteSources, port_routes, routed, service_domains, short_names, single_routes
from meshd.compile.virtual_services import resolved_services
from meshd.model.mesh import DEFAULT_MESH
from meshd.model.world import World
from tests.helpers.resources import resources_of
from tests.helpers.rule_contexts import context_for
from tests.helpers.services import headless, machine, mesh_service, port, proxy, service


@pytest.mark.parametrize(
    ("host", "domain", "expected"),
    [
        ("web.shop.svc.cluster.local", "shop.svc.cluster.local", ["web", "web.shop.svc", "web.shop"]),
        ("web.shop.svc.cluster.local", "bank.svc.cluster.local", ["web.shop", "web.shop.svc"]),
        ("web.shop.svc.other.zone", "shop.svc.cluster.local", []),
        ("www.example.com", "shop.svc.cluster.local", []),
        (".svc.cluster.local", "shop.svc.cluster.local", []),
        ("web.svc.cluster.local", "shop.svc.cluster.local", []),
        ("web.vm.example", "host.vm.example", ["web"]),
        ("web.shop.vm.example", "vm.example", ["web.shop", "web.shop.vm"]),
        ("www.example.com", "vm.local", []),
        ("vm.example", "vm.example", []),
        ("", "", []),
    ],
)
def test_short_names_are_cut_from_the_domain_of_the_client(host, domain, expected):
    """A Kubernetes domain, or any other."""
    assert expected == short_names(host, domain)


def test_domains_of_a_service():
    """Full name, with the root's dot, short names, addresses that the machine can reach."""
    found = mesh_service(service("web", port(80), address="10.9.0.1 fd00::9"))
    names = ["web.default.svc.cluster.local", "web.default.svc.cluster.local.", "web", "web.default.svc", "web.default"]
    for own, addresses in ((("10.0.0.1",), ["10.9.0.1"]), (("fd00::1",), ["[fd00::9]"]), (("10.0.0.1", "fd00::1"), ["10.9.0.1", "[fd00::9]"])):
        domains, shortened = service_domains(found, proxy(machine(*own)))
        assert names + addresses == domains
        assert {"web", "web.default.svc", "web.default"} == shortened


def test_headless_services_have_their_pods_names_too():
    """Every domain again, below a wildcard."""
    domains, _shortened = service_domains(mesh_service(headless("db", port(80))), proxy(machine(namespace="other")))
    names = ["db.default.svc.cluster.local", "db.default.svc.cluster.local.", "db.default", "db.default.svc"]
    assert names + [f"*.{name}" for name in names] == domains


def test_aliases_stand_beside_the_service():
    """With their own short names."""
    domains, _shortened = service_domains(mesh_service(service("web", address=""), ["also.default.svc.cluster.local"]), proxy(machine(namespace="x")))
    assert [
        "web.default.svc.cluster.local", "web.default.svc.cluster.local.", "web.default", "web.default.svc",
        "also.default.svc.cluster.local", "also.default.svc.cluster.local.", "also.default", "also.default.svc",
    ] == domains


def members(*resources):
    """Give services with their first ports."""
    return tuple((found, found.ports[0]) for found in map(mesh_service, resources))


def sources(*found, number=80, rules="", own=None):
    """Give what a route configuration is made from: members, and VirtualServices as `name hosts`, oldest first, that lead to `NAME.to`."""
    text = "\n---\n".join(virtual_service(line, year) for year, line in enumerate(rules.splitlines(), 2001))
    world = World().changed(resources_of(text))
    machine_of = own or proxy()
    context = context_for(world, machine_of)[2]
    known = {service.host: service for service, _port in found}
    context = RuleContext(machine_of, number, ("mesh",), known.get, context.hashes, {}, context.tunnels)
    return RouteSources(number, tuple(found), tuple(resolved_services(world, DEFAULT_MESH)[0]), context)


def virtual_service(line, year):
    """Write a VirtualService."""
    name, hosts = line.split()
    meta = f"{{name: {name}, namespace: default, creationTimestamp: '{year}-01-01T00:00:00Z'}}"
    spec = f"{{hosts: ['{hosts}'], http: [{{route: [{{destination: {{host: {name}.to}}}}]}}]}}".replace(",", "', '", hosts.count(","))
    return f"{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {meta}, spec: {spec}}}"


def leads(configuration):
    """Give where each virtual host leads."""
    return {host.name: host.routes[0].action.cluster for host in configuration.virtual_hosts}


def test_services_of_a_port_share_a_table():
    """Sorted by name, with what catches all at the end."""
    routes = port_routes(sources(*members(service("b", port(80)), service("a", port(80), address="10.9.0.2"))))
    assert "80" == routes.name
    assert ["a.default.svc.cluster.local:80", "b.default.svc.cluster.local:80", "allow_any"] == [host.name for host in routes.virtual_hosts]
    assert ["a", "b"] == [origin.name for origin in routes.origins]


def test_the_first_service_keeps_a_domain():
    """Two services with one address: the second is left its names."""
    routes = port_routes(sources(*members(service("b", port(80)), service("a", port(80)))))
    assert [("a.default.svc.cluster.local:80", False), ("b.default.svc.cluster.local:80", True)] == [
        (host.name, "10.9.0.1" in host.domains) for host in routes.virtual_hosts[:-1]
    ]
    domains = [domain for host in routes.virtual_hosts for domain in host.domains]
    assert len(set(domains)) == len(domains)


def test_a_short_name_never_hides_a_full_name():
    """A suffix that is empty makes full names of short ones."""
    near, far = mesh_service(service("web", port(80))), mesh_service(service("other", port(80), address=""))
    far = type(far)("web.default", "other", "default", "endpoints", (), far.ports, far.origin, far.age_key, far.resource)
    routes = port_routes(sources((near, near.ports[0]), (far, far.ports[0])))
    owners = {domain: host.name for host in routes.virtual_hosts for domain in host.domains}
    assert "web.default:80" == owners["web.default"]


def test_the_routes_of_a_listener_of_one_service():
    """Whatever the name, it is for this service; its names are listed beside `*`, which is last and catches the rest."""
    routes = single_routes(sources(*members(service("my-nginx", port(80), address="10.104.15.140"))))
    (host,) = routes.virtual_hosts
    assert "my-nginx.default.svc.cluster.local:80" == routes.name == host.name
    assert (
        "my-nginx.default.svc.cluster.local", "my-nginx.default.svc.cluster.local.", "my-nginx", "my-nginx.default.svc", "my-nginx.default",
        "10.104.15.140", "*",
    ) == host.domains
    assert host.include_request_attempt_count


@pytest.mark.parametrize(("name", "expected"), [("http", True), ("grpc-x", True), ("", True), ("tcp", False), ("https", False), ("udp", False)])
def test_which_ports_are_routed(name, expected):
    """Declared HTTP, or not declared."""
    assert expected == routed(mesh_service(service("web", port(80, name))).ports[0])


A, B = "a.default.svc.cluster.local", "b.default.svc.cluster.local"
PLAIN = {"allow_any": "PassthroughCluster"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("v a", {f"{A}:80": "outbound|80||v.to", f"{B}:80": f"outbound|80||{B}"}),  # a short name is of the rule's namespace
        ("v a.default.svc.cluster.local", {f"{A}:80": "outbound|80||v.to", f"{B}:80": f"outbound|80||{B}"}),
        ("v *.default.svc.cluster.local", {f"{A}:80": "outbound|80||v.to", f"{B}:80": "outbound|80||v.to"}),
        ("v *.default.svc.cluster.local\nw a", {f"{A}:80": "outbound|80||w.to", f"{B}:80": "outbound|80||v.to"}),  # the more exact one
        ("v *.svc.cluster.local\nw *.default.svc.cluster.local", {  # the longer wildcard; the other is left with its own name, on port 80
            "*.svc.cluster.local:80": "outbound|80||v.to", f"{A}:80": "outbound|80||w.to", f"{B}:80": "outbound|80||w.to",
        }),
        ("v a\nw a", {f"{A}:80": "outbound|80||v.to", f"{B}:80": f"outbound|80||{B}"}),  # the oldest
        ("v x.example,a", {"x.example:80": "outbound|80||v.to", f"{A}:80": "outbound|80||v.to", f"{B}:80": f"outbound|80||{B}"}),
        ("v x.example", {"x.example:80": "outbound|80||v.to", f"{A}:80": f"outbound|80||{A}", f"{B}:80": f"outbound|80||{B}"}),
    ],
)
def test_rules_take_the_place_of_a_services_routes(rules, expected):
    """By their hosts."""
    found = port_routes(sources(*members(service("a", port(80)), service("b", port(80), address="10.9.0.2")), rules=rules))
    assert {**expected, **PLAIN} == leads(found)


@pytest.mark.parametrize(("rules", "expected"), [("v x.example", {}), ("v x.example,a", {"x.example:81": "outbound|81||v.to"})])
def test_hosts_that_no_service_has_are_known_on_port_80_or_beside_one(rules, expected):
    """Elsewhere the port says nothing of them."""
    found = port_routes(sources(*members(service("a", port(81))), number=81, rules=rules))
    own = "outbound|81||v.to" if expected else f"outbound|81||{A}"
    assert {f"{A}:81": own, **expected, **PLAIN} == leads(found)


def test_the_listener_of_one_service_follows_its_rules_too():
    """And no host of the rule beside it stands there."""
    found = single_routes(sources(*members(service("a", port(80))), rules="v a,x.example"))
    assert {f"{A}:80": "outbound|80||v.to"} == leads(found)
    assert ["v", "a"] == [origin.name for origin in found.origins]
