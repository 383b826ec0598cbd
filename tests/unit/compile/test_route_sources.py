"""What routes are made from, port by port."""

import pytest

from meshd.compile.compiler import rule_context
from meshd.compile.node import read_proxy
from meshd.compile.route_sources import EgressRoutes
from meshd.compile.scope import find_scope, find_sidecar
from meshd.compile.services import all_services
from meshd.model.world import World
from tests.helpers.resources import resources_of
from tests.helpers.services import machine, mesh
from tests.helpers.small_worlds import host, istio, svc, to, virtual

DOCUMENTS = (
    svc("a", "{name: http, port: 80}, {name: http-2, port: 81}, {name: udp, port: 81, protocol: UDP}"), svc("b", "{name: tcp, port: 81}", "10.9.0.2"),
    svc("c", "{name: x, port: 81}", "10.9.0.3"), virtual("va", f"hosts: [a], http: [{{{to('a')}}}]"),
    virtual("vx", f"hosts: [x.test], http: [{{{to('a')}}}]"), virtual("vall", f"hosts: ['*.local'], http: [{{{to('a')}}}]"),
)


def routes_of(*more):
    """Give the sources of each egress listener of a machine."""
    world = World().changed(resources_of("\n---\n".join((*DOCUMENTS, *more))))
    node, settings = machine(), mesh()
    proxy = read_proxy(node, settings, "/log", find_sidecar(world, node, settings))
    scope = find_scope(all_services(world), world, proxy)
    return [EgressRoutes(egress, rule_context(scope, (), proxy)) for egress in scope.egress]


def shown(sources):
    """Give members and VirtualServices by name."""
    return [service.name for service, _port in sources.members], [found.metadata.name for found in sources.virtual_services]


@pytest.mark.parametrize(("number", "expected"), [(80, (["a"], ["va", "vall", "vx"])), (81, (["a", "c"], ["va", "vall"]))])
def test_a_port_has_its_services_and_their_rules(number, expected):
    """Hosts that no service has are known on port 80 only; what is not routed is known to rules all the same."""
    (found,) = routes_of()
    sources = found.sources(number)
    assert expected == shown(sources)
    assert (number, number == 81) == (sources.context.port, sources.context.find_service(host("b")) is not None)


def test_a_service_may_have_routes_for_itself():
    """With the rules that may stand for it, on whatever port."""
    (found,) = routes_of()
    service = next(service for service in found.egress.services if service.name == "c")
    sources = found.alone(service, service.ports[0])
    assert (["c"], ["vall"]) == shown(sources)
    assert sources.context is found.sources(81).context


def test_routes_have_names():
    """By number, and by address, too, where an earlier listener has the number."""
    port = "port: {number: 80, protocol: HTTP, name: x}, bind: 127.0.0.1"
    own, rest = routes_of(istio("Sidecar", "s", f"egress: [{{hosts: ['./*'], {port}}}, {{hosts: ['./*']}}]"))
    assert ([(80, "80")], [(80, "0.0.0.0_80"), (81, "81")]) == (list(own.shared()), list(rest.shared()))
