"""Clusters."""

import pytest

from meshd.compile.clusters import (
    black_hole_cluster,
    http_protocol,
    inbound_clusters,
    localhost_assignments,
    outbound_clusters,
    passthrough_cluster,
    source_addresses,
)
from meshd.compile.inbound_ports import InboundPort
from meshd.snapshot.cluster import Cluster, ServiceReference, Thresholds
from tests.helpers.services import alias, headless, machine, mesh_service, port, proxy, service

WEB = mesh_service(service("web", port(80, "http")))
OWN = InboundPort(8080, "http", 80, (WEB,), (WEB.origin,))


def test_a_service_has_a_cluster_a_port():
    """Endpoints come by discovery; limits are Istio's, which are none."""
    assert [
        Cluster(
            "outbound|80||web.default.svc.cluster.local", "EDS", "LEAST_REQUEST", 10.0, "outbound|80||web.default.svc.cluster.local", Thresholds(),
            panic_threshold_percent=0.0, services=(ServiceReference("web.default.svc.cluster.local", "web", "default"),), origins=(WEB.origin,),
        ),
    ] == list(outbound_clusters(WEB, proxy()))


def test_headless_services_go_where_the_client_went():
    """The client chose the endpoint itself."""
    (found,) = outbound_clusters(mesh_service(headless("db", port(80))), proxy())
    assert ("ORIGINAL_DST", "CLUSTER_PROVIDED", "") == (found.type, found.lb_policy, found.service_name)


@pytest.mark.parametrize("resource", [alias("a", "b"), service("a", port(53, protocol="UDP")), service("a")])
def test_some_services_have_no_cluster(resource):
    """Aliases, UDP ports, services without ports."""
    assert [] == list(outbound_clusters(mesh_service(resource), proxy()))


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("http", "http1"), ("http2", "http2"), ("grpc", "http2"), ("grpc-web", "http2"), ("auto", "downstream"), ("tcp", "http1"), ("udp", "http1")],
)
def test_what_is_spoken_upstream(protocol, expected):
    """HTTP/2 needs to be declared."""
    assert expected == http_protocol(protocol)


def test_the_clusters_for_unknown_destinations():
    """One refuses, one passes through and keeps idle connections five minutes."""
    found = proxy(connect_timeout=3.0)
    assert ("BlackHoleCluster", "STATIC", 3.0, None) == _shape(black_hole_cluster(found))
    assert ("PassthroughCluster", "ORIGINAL_DST", 3.0, 300.0) == _shape(passthrough_cluster(found))


def _shape(found: Cluster) -> tuple[str, str, float, float | None]:
    return found.name, found.type, found.connect_timeout, found.http_idle_timeout


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (("10.0.0.1",), [("inbound|8080||", "127.0.0.6", ()), ("InboundPassthroughCluster", "127.0.0.6", ()),
                         ("InboundPassthroughClusterIpv4", "127.0.0.6", ())]),
        (("fd00::1",), [("inbound|8080||", "::6", ()), ("InboundPassthroughCluster", "::6", ()), ("InboundPassthroughClusterIpv6", "::6", ())]),
        (("10.0.0.1", "fd00::1"), [("inbound|8080||", "127.0.0.6", ("::6",)), ("InboundPassthroughCluster", "127.0.0.6", ("::6",)),
                                   ("InboundPassthroughClusterIpv4", "127.0.0.6", ()), ("InboundPassthroughClusterIpv6", "::6", ())]),
    ],
)
def test_connections_to_the_application_come_from_an_address_that_capture_knows(addresses, expected):
    """One a family; a port's cluster serves both."""
    found = inbound_clusters([OWN], proxy(machine(*addresses)))
    assert expected == [(cluster.name, cluster.source_address, cluster.extra_source_addresses) for cluster in found]


@pytest.mark.parametrize(("addresses", "address"), [(("10.0.0.1",), "127.0.0.1"), (("fd00::1",), "::1"), (("10.0.0.1", "fd00::1"), "127.0.0.1")])
def test_the_mesh_may_send_inbound_traffic_to_localhost(addresses, address):
    """As Istio did before 1.10."""
    found = proxy(machine(*addresses), inbound_to_localhost=True)
    cluster = next(inbound_clusters([OWN], found))
    assert ("STATIC", "ROUND_ROBIN", "") == (cluster.type, cluster.lb_policy, cluster.source_address)
    (assigned,) = localhost_assignments([OWN], found)
    assert ("inbound|8080||", [(address, 8080)]) == (
        assigned.cluster_name, [(endpoint.address, endpoint.port) for place in assigned.localities for endpoint in place.endpoints],
    )
    assert [] == list(localhost_assignments([OWN], proxy()))


def test_source_addresses_are_one_a_family():
    """The kernel has to know `::6`, too."""
    assert [("127.0.0.6",), ("::6",)] == [source_addresses(proxy(machine(own))) for own in ("10.0.0.1", "fd00::1")]
