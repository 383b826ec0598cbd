"""Clusters."""

import attrs
import pytest

from meshd.base.origins import Origin
from meshd.compile.clusters import (
    black_hole_cluster,
    http_protocol,
    inbound_clusters,
    local_assignments,
    outbound_clusters,
    passthrough_clusters,
    source_addresses,
)
from meshd.compile.destination_rules import HostRule
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.targets import targets_of
from meshd.model import traffic_policy as model
from meshd.model.destination_rule import Subset
from meshd.model.traffic_policy import ConnectionPool, LoadBalancer, TrafficPolicy
from meshd.snapshot.cluster import Cluster, Keepalive, ServiceReference, Thresholds
from tests.helpers.services import headless, machine, mesh_service, port, proxy, service
from tests.helpers.traffic import entry_service, target

WEB = mesh_service(service("web", port(80, "http")))
RULE = Origin("rule.yaml")
OWN = InboundPort(8080, "http", 80, (WEB,), (WEB.origin,))


def test_a_service_has_a_cluster_a_port():
    """Endpoints come by discovery; limits are Istio's, which are none."""
    assert [
        Cluster(
            "outbound|80||web.default.svc.cluster.local", "EDS", "LEAST_REQUEST", 10.0, "outbound|80||web.default.svc.cluster.local", Thresholds(),
            panic_threshold_percent=0.0, services=(ServiceReference("web.default.svc.cluster.local", "web", "default"),), origins=(WEB.origin,),
        ),
    ] == list(outbound_clusters(targets_of(WEB, None), proxy()))


def test_headless_services_go_where_the_client_went():
    """The client chose the endpoint itself."""
    (found,) = outbound_clusters([target(mesh_service(headless("db", port(80))))], proxy())
    assert ("ORIGINAL_DST", "CLUSTER_PROVIDED", "") == (found.type, found.lb_policy, found.service_name)


@pytest.mark.parametrize(
    ("resolution", "expected", "at_the_edge"),
    [
        ("STATIC", ("EDS", "LEAST_REQUEST", "outbound|80||a.example"), ("EDS", "LEAST_REQUEST", "outbound|80||a.example")),
        ("DNS", ("STRICT_DNS", "LEAST_REQUEST", ""), ("STRICT_DNS", "LEAST_REQUEST", "")),
        ("DNS_ROUND_ROBIN", ("LOGICAL_DNS", "LEAST_REQUEST", ""), ("LOGICAL_DNS", "LEAST_REQUEST", "")),
        ("NONE", ("ORIGINAL_DST", "CLUSTER_PROVIDED", ""), ("EDS", "LEAST_REQUEST", "outbound|80||a.example")),
    ],
)
def test_how_endpoints_of_service_entries_are_found(resolution, expected, at_the_edge):
    """Nobody's connection to an edge proxy meant to go anywhere else."""
    for gateway, wanted in ((False, expected), (True, at_the_edge)):
        (found,) = outbound_clusters([target(entry_service("a", resolution=resolution))], proxy(machine(gateway=gateway)))
        assert wanted == (found.type, found.lb_policy, found.service_name)


def test_an_edge_proxy_speaks_http1_where_nothing_is_declared():
    """It cannot speak what the client speaks, since that does not tell what the service does."""
    services = [entry_service("a", ports={80: word}) for word in ("", "HTTP", "HTTP2")]
    spoken = [
        [cluster.http_protocol for cluster in outbound_clusters(map(target, services), proxy(machine(gateway=gateway)))] for gateway in (False, True)
    ]
    assert [["downstream", "http1", "http2"], ["http1", "http1", "http2"]] == spoken


def test_a_subset_has_a_cluster_of_its_own():
    """With its policy, and the rules' origins; endpoints come under its name."""
    rule = HostRule(None, (Subset("v1", {}, TrafficPolicy(LoadBalancer("RANDOM"), ConnectionPool(max_connections=7))),), (RULE,))
    whole, subset = outbound_clusters(targets_of(WEB, rule), proxy())
    name = "outbound|80|v1|web.default.svc.cluster.local"
    assert (name, name, "RANDOM", 7) == (subset.name, subset.service_name, subset.lb_policy, subset.thresholds.max_connections)
    assert ("LEAST_REQUEST", Thresholds()) == (whole.lb_policy, whole.thresholds)
    assert [(WEB.origin, RULE)] * 2 == [whole.origins, subset.origins]


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
    assert [("PassthroughCluster", "ORIGINAL_DST", 3.0, 300.0)] == [_shape(one) for one in passthrough_clusters(found)]


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


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (None, ("ORIGINAL_DST", "CLUSTER_PROVIDED", "127.0.0.6", ("::6",))),
        (("127.0.0.1", 8080), ("STATIC", "ROUND_ROBIN", "", ())),
        (("::1", 8080), ("STATIC", "ROUND_ROBIN", "", ())),
        (("10.0.0.1", 9090), ("STATIC", "ROUND_ROBIN", "127.0.0.6", ("::6",))),
    ],
)
def test_the_application_may_be_elsewhere_than_the_connection_meant_to_go(endpoint, expected):
    """The mesh may send to loopback, which is not captured; a Sidecar may name the machine's own address, which is."""
    own = attrs.evolve(OWN, endpoint=endpoint)
    cluster = next(inbound_clusters([own], proxy(machine("10.0.0.1", "fd00::1"))))
    assert expected == (cluster.type, cluster.lb_policy, cluster.source_address, cluster.extra_source_addresses)
    assigned = [
        (one.cluster_name, one.origins, [(each.address, each.port) for place in one.localities for each in place.endpoints])
        for one in local_assignments([own])
    ]
    assert ([] if endpoint is None else [("inbound|8080||", OWN.origins, [endpoint])]) == assigned


def test_limits_of_own_ports_hold():
    """They are the Sidecar's or the DestinationRule's."""
    limited = attrs.evolve(OWN, connection_pool=ConnectionPool(max_requests=3, connect_timeout=1.0))
    first, second = (next(inbound_clusters([port], proxy())) for port in (OWN, limited))
    assert (Thresholds(), 10.0) == (first.thresholds, first.connect_timeout)
    assert (Thresholds(max_requests=3), 1.0) == (second.thresholds, second.connect_timeout)


def test_source_addresses_are_one_a_family():
    """The kernel has to know `::6`, too."""
    assert [("127.0.0.6",), ("::6",)] == [source_addresses(proxy(machine(own))) for own in ("10.0.0.1", "fd00::1")]


def test_names_are_looked_up_as_often_as_the_mesh_says():
    """Where answers say nothing of that; every minute by default."""
    for settings, seconds in (({}, 60.0), ({"dns_refresh_rate": 5.0}, 5.0)):
        (found,) = outbound_clusters([target(entry_service("a", resolution="DNS"))], proxy(**settings))
        assert ("STRICT_DNS", seconds, True) == (found.type, found.dns_refresh_rate, found.respect_dns_ttl)


def test_the_meshs_probes_of_connections():
    """Of services and of unknown destinations; to own ports too; a policy says the rest."""
    ours = proxy(tcp_keepalive=model.Keepalive(3, 60.0))
    pool = ConnectionPool(keepalive=model.Keepalive(0, 0.0, 7.0))
    found = [one.keepalive for one in outbound_clusters([target(WEB), target(WEB, TrafficPolicy(connection_pool=pool))], ours)]
    assert [Keepalive(3, 60), Keepalive(3, 60, 7)] == found
    assert {Keepalive(3, 60)} == {one.keepalive for one in passthrough_clusters(ours)}
    own, limited, *passing = (one.keepalive for one in inbound_clusters([OWN, attrs.evolve(OWN, connection_pool=ConnectionPool())], ours))
    assert (Keepalive(3, 60), Keepalive(3, 60), {Keepalive(3, 60)}) == (own, limited, set(passing))
