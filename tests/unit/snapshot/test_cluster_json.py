"""Clusters and endpoints in Envoy's JSON."""

import attrs
import pytest

from meshd.base.locality import Locality
from meshd.snapshot.assignment_json import ASSIGNMENT
from meshd.snapshot.cluster import Cluster, Keepalive, ServiceReference, SlowStart, Thresholds
from meshd.snapshot.cluster_json import HTTP_OPTIONS, read_cluster, write_cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.noted_json import FieldError
from meshd.snapshot.tls import UpstreamTls

OPTIONS = "typedExtensionProtocolOptions"
EDS = Cluster("c", "EDS", service_name="s")


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (Cluster("c", "STATIC", "ROUND_ROBIN"), {}),
        (EDS, {"type": "EDS", "lbPolicy": "LEAST_REQUEST",
               "edsClusterConfig": {"serviceName": "s", "edsConfig": {"ads": {}, "initialFetchTimeout": "0s", "resourceApiVersion": "V3"}}}),
        (Cluster("c", "STATIC", "RANDOM", 0.25), {"lbPolicy": "RANDOM", "connectTimeout": "0.250s"}),
        (Cluster("c", "ORIGINAL_DST", "CLUSTER_PROVIDED", source_address="127.0.0.6", extra_source_addresses=("::6",), upstream_port=80),
         {"type": "ORIGINAL_DST", "lbPolicy": "CLUSTER_PROVIDED", "originalDstLbConfig": {"upstreamPortOverride": 80},
          "upstreamBindConfig": {"sourceAddress": {"address": "127.0.0.6", "portValue": 0},
                                 "extraSourceAddresses": [{"address": {"address": "::6", "portValue": 0}}]}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", thresholds=Thresholds(1, 2, 3, 4)),
         {"circuitBreakers": {"thresholds": [{"maxConnections": 1, "maxPendingRequests": 2, "maxRequests": 3, "maxRetries": 4}]}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", keepalive=Keepalive()), {"upstreamConnectionOptions": {"tcpKeepalive": {}}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", keepalive=Keepalive(3, 60, 5)),
         {"upstreamConnectionOptions": {"tcpKeepalive": {"keepaliveProbes": 3, "keepaliveTime": 60, "keepaliveInterval": 5}}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", slow_start=SlowStart(2.0)), {"roundRobinLbConfig": {"slowStartConfig": {"slowStartWindow": "2s"}}}),
        (Cluster("c", "STATIC", slow_start=SlowStart(2.0, 1.5, 20.0), choice_count=3),
         {"lbPolicy": "LEAST_REQUEST", "leastRequestLbConfig": {"choiceCount": 3, "slowStartConfig": {
             "slowStartWindow": "2s", "aggression": {"defaultValue": 1.5, "runtimeKey": "("}, "minWeightPercent": {"value": 20.0}}}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", panic_threshold_percent=0.0), {"commonLbConfig": {"healthyPanicThreshold": {}}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", locality_weighted=True), {"commonLbConfig": {"localityWeightedLbConfig": {}}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", panic_threshold_percent=30.0), {"commonLbConfig": {"healthyPanicThreshold": {"value": 30.0}}}),
        (Cluster("c", "STATIC", "ROUND_ROBIN", services=(ServiceReference("h", "n", "s"),)),
         {"metadata": {"filterMetadata": {"istio": {"services": [{"host": "h", "name": "n", "namespace": "s"}]}}}}),
    ],
)
def test_clusters(cluster, message):
    """As istioctl prints them."""
    expected = {"name": "c", "altStatName": "c;", "type": "STATIC", "connectTimeout": "10s", **message}
    assert expected == write_cluster(cluster)
    assert (cluster, None) == read_cluster(expected)


@pytest.mark.parametrize(
    ("protocol", "idle", "requests", "options"),
    [
        ("http1", None, 0, None),
        ("http2", None, 0, {"explicitHttpConfig": {"http2ProtocolOptions": {}}}),
        ("downstream", None, 0, {"useDownstreamProtocolConfig": {"http2ProtocolOptions": {}, "httpProtocolOptions": {}}}),
        ("http1", 300.0, 1, {"explicitHttpConfig": {"httpProtocolOptions": {}},
                             "commonHttpProtocolOptions": {"idleTimeout": "300s", "maxRequestsPerConnection": 1}}),
        ("http2", 0.0, 0, {"explicitHttpConfig": {"http2ProtocolOptions": {}}, "commonHttpProtocolOptions": {"idleTimeout": "0s"}}),
    ],
)
def test_what_is_spoken_upstream(protocol, idle, requests, options):
    """HTTP/1 without limits is Envoy's default, and not said."""
    cluster = attrs.evolve(EDS, http_protocol=protocol, http_idle_timeout=idle, max_requests_per_connection=requests)
    message = write_cluster(cluster)
    found = message.get(OPTIONS)
    assert options == (found and {key: value for key, value in found[HTTP_OPTIONS].items() if key != "@type"})
    assert (cluster, None) == read_cluster(message)


@pytest.mark.parametrize(("protocol", "place"), [("http1", "explicitHttpConfig"), ("downstream", "useDownstreamProtocolConfig")])
@pytest.mark.parametrize("settings", [{"enable_trailers": True}, {"preserve_case": True}, {"enable_trailers": True, "preserve_case": True}])
def test_options_of_http1(protocol, place, settings):
    """They stand with what is spoken, and are read as they were written."""
    cluster = attrs.evolve(EDS, http_protocol=protocol, **settings)
    message = write_cluster(cluster)
    said = message[OPTIONS][HTTP_OPTIONS][place]["httpProtocolOptions"]
    assert ("enable_trailers" in settings, "preserve_case" in settings) == ("enableTrailers" in said, "headerKeyFormat" in said)
    assert (cluster, None) == read_cluster(message)


def test_limits_that_are_not_said_are_envoys():
    """Istio says all of them."""
    limits = {"thresholds": [{"maxRequests": 5}]}
    cluster, _endpoints = read_cluster({"name": "c", "type": "STATIC", "connectTimeout": "1s", "circuitBreakers": limits})
    assert Thresholds(1024, 1024, 5, 3) == cluster.thresholds


ENDPOINTS = ClusterLoadAssignment(
    "c",
    (
        LocalityEndpoints(
            endpoints=(Endpoint("10.0.0.1", 80), Endpoint("fd00::1", 81, 3, "UNHEALTHY", "w;n;c;r;k", (("tlsMode", "istio"),))), weight=4,
        ),
        LocalityEndpoints(Locality("eu", "north", "r1"), (), 1, 2),
    ),
)
ENDPOINTS_JSON = {
    "clusterName": "c",
    "endpoints": [
        {"locality": {}, "loadBalancingWeight": 4, "lbEndpoints": [
            {"healthStatus": "HEALTHY", "loadBalancingWeight": 1,
             "endpoint": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 80}}}},
            {"healthStatus": "UNHEALTHY", "loadBalancingWeight": 3,
             "endpoint": {"address": {"socketAddress": {"address": "fd00::1", "portValue": 81}}},
             "metadata": {"filterMetadata": {"istio": {"workload": "w;n;c;r;k"}, "envoy.transport_socket_match": {"tlsMode": "istio"}}}},
        ]},
        {"locality": {"region": "eu", "zone": "north", "subZone": "r1"}, "loadBalancingWeight": 2, "priority": 1},
    ],
}


def test_endpoints():
    """By place, with weights, priorities and health."""
    assert ENDPOINTS_JSON == ASSIGNMENT.write(ENDPOINTS)
    assert ENDPOINTS == ASSIGNMENT.read(ENDPOINTS_JSON)
    assert {"clusterName": "c"} == ASSIGNMENT.write(ClusterLoadAssignment("c"))


def test_endpoints_of_a_static_cluster_stand_within_it():
    """As Envoy has it."""
    cluster = Cluster("c", "STATIC", "ROUND_ROBIN")
    message = write_cluster(cluster, ENDPOINTS)
    assert ENDPOINTS_JSON == message["loadAssignment"]
    assert (cluster, ENDPOINTS) == read_cluster(message)


@pytest.mark.parametrize("message", [{}, {"name": "c", "type": "OTHER"}, {"name": "c", "connectTimeout": "soon"},
                                     {"name": "c", "edsClusterConfig": {"serviceName": 3}}, {"name": ["c"]}, [], None])
def test_what_cannot_be_read_is_refused(message):
    """A cluster has a name, and Envoy's defaults for the rest."""
    with pytest.raises(ValueError, match=r"."):
        read_cluster(message)


@pytest.mark.parametrize("odd", [0, [], {HTTP_OPTIONS: 0}, {HTTP_OPTIONS: {"upstreamHttpProtocolOptions": 0}}])
def test_odd_options_are_none(odd):
    """They end neither the reader nor the cluster; whoever reads a file tells of them."""
    assert "c" == read_cluster({"name": "c", OPTIONS: odd})[0].name


@pytest.mark.parametrize("odd", [0, {"autoSni": 5}, {"autoSanValidation": "yes"}])
def test_what_tls_asks_of_requests_has_to_be_understood(odd):
    """Where it is not, nothing may be sent by half of it."""
    message = write_cluster(attrs.evolve(EDS, tls=UpstreamTls(auto_sni=True, auto_san=True)))
    message[OPTIONS][HTTP_OPTIONS]["upstreamHttpProtocolOptions"] = odd
    with pytest.raises(FieldError):
        read_cluster(message)
