"""Own ports as they are declared."""

import pytest

from meshd.compile.destination_rules import DestinationRules
from meshd.compile.inbound_ports import inbound_ports
from meshd.compile.ingress import declare_ports
from meshd.compile.node import read_proxy
from meshd.compile.scope import find_sidecar
from meshd.compile.services import all_services
from meshd.compile.workloads import Workloads
from meshd.model.world import World
from tests.helpers.resources import complaints_of, resources_of
from tests.helpers.services import HERE, machine, mesh
from tests.helpers.small_worlds import NODE, answer_to, compiled, eps, http, istio, svc, tcp

SERVICES = (
    svc("web", "{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 90, targetPort: 9090}"),
    eps("web", "{name: http, port: 8080}, {name: tcp, port: 9090}", f"{{addresses: ['{HERE}']}}"),
)


def declared(*documents, addresses=(HERE,), **settings):
    """Give the ports of the machine."""
    text = "\n---\n".join((*SERVICES, *documents))
    assert [] == [line for line in complaints_of(text) if line.startswith("error")]
    world, node, own = World().changed(resources_of(text)), machine(*addresses), mesh(**settings)
    proxy = read_proxy(node, own, "/log", find_sidecar(world, node, own))
    ports = inbound_ports(all_services(world), world, Workloads(world), proxy)
    return declare_ports(ports, DestinationRules(world, node, own), proxy)


def ingress(number, protocol, more="", pool=""):
    """Write a Sidecar with one ingress listener."""
    port = f"port: {{number: {number}, protocol: {protocol}, name: x}}"
    return istio("Sidecar", "s", f"ingress: [{{{port}{more}}}]{pool}")


def test_services_declare_ports():
    """Without a Sidecar; connections go where they meant to, or to loopback where the mesh says so."""
    assert [(8080, "http", 80, None), (9090, "tcp", 90, None)] == [(one.number, one.protocol, one.service_port, one.endpoint) for one in declared()]
    assert [("127.0.0.1", 8080), ("127.0.0.1", 9090)] == [one.endpoint for one in declared(inbound_to_localhost=True)]


def test_a_sidecar_without_ingress_changes_nothing():
    """It narrows what is seen."""
    assert [8080, 9090] == [one.number for one in declared(istio("Sidecar", "s", "egress: [{hosts: ['./*']}]"))]


@pytest.mark.parametrize(
    ("number", "protocol", "more", "expected", "service"),
    [
        (80, "HTTP", "", ("http", "", None), "web"),
        (90, "HTTP", "", ("http", "", None), "web"),
        (8080, "GRPC", "", ("grpc", "", None), ""),
        (7000, "TCP", ", bind: 10.0.0.1", ("tcp", "10.0.0.1", None), ""),
        (7000, "TCP", ", defaultEndpoint: '127.0.0.1:8080'", ("tcp", "", ("127.0.0.1", 8080)), ""),
        (7000, "TCP", ", defaultEndpoint: '0.0.0.0:8080'", ("tcp", "", (HERE, 8080)), ""),
        (7000, "TCP", ", defaultEndpoint: 'unix:///run/app'", ("tcp", "", ("/run/app", 0)), ""),
    ],
)
def test_ingress_listeners_declare_all_ports(number, protocol, more, expected, service):
    """A service whose port has the number lends its names."""
    (port,) = declared(ingress(number, protocol, more))
    assert (number, number, *expected) == (port.number, port.service_port, port.protocol, port.address, port.endpoint)
    assert f"{service}.default.svc.cluster.local" * bool(service) == port.host
    assert ["s", *([service] if service else [])] == [origin.name for origin in port.origins][:2]


@pytest.mark.parametrize(("declared_as", "expected"), [("HTTPS", "http"), ("TLS", "tcp"), ("HTTP", "http"), ("TCP", "tcp")])
def test_what_is_spoken_within_tls(declared_as, expected):
    """Where a listener ends it, by certificates in files."""
    (port,) = declared(ingress(443, declared_as, ", tls: {mode: SIMPLE, serverCertificate: /c, privateKey: /k}"))
    assert (expected, "SIMPLE") == (port.protocol, port.tls.mode)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [("'127.0.0.1:8080'", ("::1", 8080)), ("'[::]:8080'", ("fd00::1", 8080)), ("'[::1]:8080'", ("::1", 8080))],
)
def test_endpoints_are_of_the_machines_family(endpoint, expected):
    """Loopback, or its own address."""
    (port,) = declared(ingress(7000, "TCP", f", defaultEndpoint: {endpoint}"), addresses=("fd00::1",))
    assert expected == port.endpoint


def limit(number):
    """Write limits of connections."""
    return f"{{tcp: {{maxConnections: {number}}}}}"


RULE = istio("DestinationRule", "r", f"host: web, trafficPolicy: {{connectionPool: {limit(1)}, portLevelSettings: "
             f"[{{port: {{number: 90}}, connectionPool: {limit(2)}}}]}}")


SELECTOR = "{matchLabels: {a: b}}"


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((), [None, None]),
        ((RULE,), [1, 2]),
        ((RULE, istio("Sidecar", "s", f"egress: [{{hosts: ['*/*']}}], inboundConnectionPool: {limit(3)}")), [3, 3]),
        ((RULE, ingress(90, "TCP")), [2]),
        ((RULE, istio("DestinationRule", "own", f"host: web, workloadSelector: {SELECTOR}, trafficPolicy: {{connectionPool: {limit(9)}}}")), [1, 2]),
        ((RULE, ingress(7000, "TCP")), [None]),
        ((RULE, ingress(90, "TCP", "", f", inboundConnectionPool: {limit(3)}")), [3]),
        ((RULE, ingress(90, "TCP", f", connectionPool: {limit(4)}", f", inboundConnectionPool: {limit(3)}")), [4]),
    ],
)
def test_limits_of_connections(documents, expected):
    """The listener's, else the Sidecar's, else the DestinationRule's of its service."""
    pools = [port.connection_pool for port in declared(*documents)]
    assert expected == [pool and pool.max_connections for pool in pools]


IN = {"direction": "inbound"}


def test_connections_come_in_as_the_sidecar_says():
    """Ports that it does not declare pass through."""
    sidecar = ingress(7000, "HTTP", ", defaultEndpoint: '127.0.0.1:8080'")
    world = compiled(NODE, *(text.replace(HERE, "10.0.0.9") for text in SERVICES), sidecar)
    assert "virtualInbound inbound|7000|| inbound|7000|| 127.0.0.1:8080" == answer_to(world, http("10.0.0.9", 7000, "x", **IN))
    passed = "virtualInbound InboundPassthroughClusterIpv4 InboundPassthroughClusterIpv4 10.0.0.9:8080"
    assert passed == answer_to(world, http("10.0.0.9", 8080, "x", **IN))
    assert [] == world.snapshot.inconsistencies()


def test_tells_of_the_destination_rule():
    """Whether its limits count or others."""
    for documents in ((RULE,), (RULE, ingress(90, "TCP", f", connectionPool: {limit(4)}"))):
        assert all(("DestinationRule", "r") in [(origin.kind, origin.name) for origin in port.origins] for port in declared(*documents))


@pytest.mark.parametrize(
    ("protocol", "bind", "place"),
    [("HTTP", "", "10.0.0.9"), ("TCP", "", "10.0.0.9"), ("''", "", "10.0.0.9"), ("HTTP", ", bind: 10.0.0.8", "10.0.0.8")],
)
def test_without_capture_clients_connect_to_a_port_of_meshd(protocol, bind, place):
    """At the machine's address, or where it is bound; the listener for captured connections knows it no more."""
    world = compiled(NODE, ingress(7000, protocol, f", captureMode: NONE, defaultEndpoint: '127.0.0.1:8080'{bind}"))
    found = world.snapshot.listeners[f"inbound_{place}_7000"]
    assert (True, "INBOUND", [(place, 7000)]) == (found.bind_to_port, found.direction, [(found.address.address, found.address.port)])
    assert {None} == {chain.match.destination_port for chain in found.filter_chains}
    assert 7000 not in {chain.match.destination_port for chain in world.snapshot.listeners["virtualInbound"].filter_chains}
    routes = "-" if protocol == "TCP" else "inbound|7000||"
    call = tcp(place, 7000, **IN) if protocol == "TCP" else http(place, 7000, "x", **IN)
    assert f"inbound_{place}_7000 {routes} inbound|7000|| 127.0.0.1:8080" == answer_to(world, call)
    assert [] == world.snapshot.inconsistencies()


def test_an_application_may_listen_at_a_unix_socket():
    """Its cluster goes there, from no address."""
    world = compiled(NODE, ingress(7000, "TCP", ", defaultEndpoint: 'unix:///run/app.sock'"))
    cluster, (place,) = world.snapshot.clusters["inbound|7000||"], world.snapshot.endpoints["inbound|7000||"].localities
    assert ("STATIC", "", [("/run/app.sock", 0)]) == (cluster.type, cluster.source_address, [(one.address, one.port) for one in place.endpoints])
