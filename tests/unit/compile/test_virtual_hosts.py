"""Virtual hosts and their domains."""

import pytest

from meshd.compile.virtual_hosts import port_routes, routed, service_domains, short_names, single_routes
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
    return [(found, found.ports[0]) for found in map(mesh_service, resources)]


def test_services_of_a_port_share_a_table():
    """Sorted by name, with what catches all at the end."""
    routes = port_routes(80, members(service("b", port(80)), service("a", port(80), address="10.9.0.2")), proxy())
    assert "80" == routes.name
    assert ["a.default.svc.cluster.local:80", "b.default.svc.cluster.local:80", "allow_any"] == [host.name for host in routes.virtual_hosts]
    assert ["b", "a"] == [origin.name for origin in routes.origins]


def test_the_first_service_keeps_a_domain():
    """Two services with one address: the second is left its names."""
    routes = port_routes(80, members(service("b", port(80)), service("a", port(80))), proxy())
    assert [("a.default.svc.cluster.local:80", False), ("b.default.svc.cluster.local:80", True)] == [
        (host.name, "10.9.0.1" in host.domains) for host in routes.virtual_hosts[:-1]
    ]
    domains = [domain for host in routes.virtual_hosts for domain in host.domains]
    assert len(set(domains)) == len(domains)


def test_a_short_name_never_hides_a_full_name():
    """A suffix that is empty makes full names of short ones."""
    near, far = mesh_service(service("web", port(80))), mesh_service(service("other", port(80), address=""))
    far = type(far)("web.default", "other", "default", "endpoints", (), far.ports, far.origin, far.age_key, far.resource)
    routes = port_routes(80, [(near, near.ports[0]), (far, far.ports[0])], proxy())
    owners = {domain: host.name for host in routes.virtual_hosts for domain in host.domains}
    assert "web.default:80" == owners["web.default"]


def test_the_routes_of_a_listener_of_one_service():
    """Whatever the name, it is for this service; its names are listed beside `*`, which is last and catches the rest."""
    ((found, found_port),) = members(service("my-nginx", port(80), address="10.104.15.140"))
    routes = single_routes(found, found_port, proxy())
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
