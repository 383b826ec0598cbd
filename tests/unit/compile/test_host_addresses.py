"""Names that a machine resolves."""

import pytest

from meshd.compile.endpoint_changes import Compilation
from meshd.compile.host_addresses import host_addresses
from meshd.compile.services import all_services
from meshd.compile.workloads import Workloads
from meshd.model.endpoint_slice import SliceEndpoint
from meshd.model.node import DnsSettings
from meshd.model.world import World
from tests.helpers.resources import resources_of
from tests.helpers.services import alias, headless, machine, port, proxy, service, slice_of
from tests.helpers.small_worlds import istio, mesh


def hosts(*resources, namespace: str = "default") -> dict[str, str]:
    """Give addresses, aliases and ports by host, as text."""
    world = World().changed(resources)
    found = host_addresses(all_services(world), Workloads(world), proxy(machine(namespace=namespace)))
    ports = {host.name: [f"{one.name}/{one.protocol}:{one.number}" for one in host.ports] for host in found}
    return {host.name: " ".join((",".join(host.addresses), ",".join(host.aliases) or "-", *ports[host.name])) for host in found}


def entry(hosts: str, more: str = "") -> object:
    """Give a ServiceEntry."""
    return resources_of(istio("ServiceEntry", "se", f"hosts: [{hosts}], ports: [{{number: 80, name: http, protocol: HTTP}}]{more}"))[0]


def test_services_have_their_virtual_addresses():
    """And the shorter names that the machine's namespace knows them by."""
    web = service("web", port(80, "http"), port(53, "dns", protocol="UDP"), port(90), address="10.9.0.1 fd00::1")
    assert {"web.default.svc.cluster.local": "10.9.0.1,fd00::1 web,web.default.svc,web.default http/tcp:80 dns/udp:53"} == hosts(web)
    assert {"web.default.svc.cluster.local": "10.9.0.1,fd00::1 web.default,web.default.svc http/tcp:80 dns/udp:53"} == hosts(web, namespace="other")


def test_headless_services_have_those_of_their_endpoints():
    """Ready ones, each once; an endpoint with a name of its own has one here, too."""
    db = headless("db", port(5432, "tcp"))
    endpoints = (SliceEndpoint(("10.1.0.1",), hostname="db-0"), SliceEndpoint(("10.1.0.2",), ready=False), SliceEndpoint(("10.1.0.1",)))
    assert {
        "db.default.svc.cluster.local": "10.1.0.1 db,db.default.svc,db.default tcp/tcp:5432",
        "db-0.db.default.svc.cluster.local": "10.1.0.1 db-0.db,db-0.db.default.svc,db-0.db.default",
    } == hosts(db, slice_of("db", {"tcp": 5432}, *endpoints))
    assert {} == hosts(db)


@pytest.mark.parametrize(("resource", "expected"), [
    (entry("api.test, '*.wild.test'", ", addresses: [240.1.0.1, 10.0.0.0/8], resolution: STATIC"),
     {"api.test": "240.1.0.1 -", "*.wild.test": "240.1.0.1 -"}),
    (entry("api.test", ", resolution: NONE"), {}),
])
def test_service_entries(resource, expected):
    """Names with addresses; those without are left to whoever resolves them."""
    found = hosts(resource)
    assert expected == {name: text for name, text in found.items() if not text.startswith("240.240.")}


def test_other_names_lead_to_the_same_addresses():
    """Those of ExternalName services; there is no cluster DNS that would know them."""
    found = hosts(service("web", port(80, "http")), alias("www", "web.default.svc.cluster.local"))
    assert {"web.default.svc.cluster.local"} == found.keys()
    assert {"www", "www.default", "www.default.svc.cluster.local"} <= set(found["web.default.svc.cluster.local"].split()[1].split(","))


def test_a_service_stands_before_a_service_entry():
    """Of the same name, whichever is older."""
    web = service("web", port(80, "http"), created="2026-02-01T00:00:00Z")
    assert "10.9.0.1" == hosts(web, entry("web.default.svc.cluster.local", ", addresses: [240.1.0.1]"))["web.default.svc.cluster.local"].split()[0]


def test_a_snapshot_has_them_where_names_are_resolved():
    """Elsewhere they would travel for nothing; an endpoint that moves leaves them as they are."""
    web, moved = service("web", port(80, "http")), slice_of("web", {"http": 8080}, "10.1.0.9")
    compilation, node = Compilation(), machine(dns=DnsSettings(True, ("10.0.0.2",)))
    world = World().changed([web])
    first, second = (compilation.compile(one, node).snapshot for one in (world, world.changed([moved])))
    external = "hosts: [istio.io], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS"
    third = compilation.compile(world.changed(resources_of(istio("ServiceEntry", "se", external))), node).snapshot
    assert ["240.240.", "2001:2::"] == [address[:8] for address in third.hosts["istio.io"].addresses]
    assert (["web.default.svc.cluster.local"], ("10.0.0.2",), True) == (list(first.hosts), first.node.name_servers, first.hosts is second.hosts)
    assert ({}, ()) == (Compilation().compile(world, machine()).snapshot.hosts, Compilation().compile(world, machine()).snapshot.node.name_servers)
    captures = mesh("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}")
    assert first.hosts == Compilation().compile(world.changed(resources_of(captures)), machine()).snapshot.hosts
