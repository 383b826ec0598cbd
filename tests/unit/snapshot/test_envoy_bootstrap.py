"""The bootstrap for a real Envoy; integration tests let one judge it."""

import json

import attrs

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster_json import read_cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.listener_json import read_listener
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.snapshot import NodeReference, Snapshot, chains_of
from meshd.snapshot.tls import DownstreamTls
from tests.helpers.golden import compile_world, world_named

SNAPSHOT = compile_world(world_named("walk-server")).snapshot


def resources(part: str):
    """Give the static resources of the walk's bootstrap."""
    return bootstrap(SNAPSHOT)["staticResources"][part]


def test_routes_stand_within_listeners():
    """Nothing is asked of a control plane, and no certificate."""
    found = [read_listener(listener) for listener in resources("listeners")]
    managers = [chain.filter for listener in found for chain in chains_of(listener) if isinstance(chain.filter, HttpConnectionManager)]
    assert ["80", "my-nginx.default.svc.cluster.local:80"] == sorted(
        manager.route_config.name for manager in managers if not manager.server_name.startswith("istio")
    )
    text = json.dumps(bootstrap(SNAPSHOT))
    assert [] == [word for word in ('"ads"', '"rds"', "edsClusterConfig", "sds-grpc", "istio.") if word in text]


def test_endpoints_stand_within_clusters():
    """What was discovered is static; what goes to the original destination stays."""
    found = {cluster.name: (cluster.type, endpoints) for cluster, endpoints in map(read_cluster, resources("clusters"))}
    kind, endpoints = found["outbound|80||my-nginx.default.svc.cluster.local"]
    assert ("STATIC", ["172.17.0.11", "172.17.0.13"]) == (kind, [endpoint.address for place in endpoints.localities for endpoint in place.endpoints])
    assert ("STATIC", ClusterLoadAssignment("outbound|80||other.default.svc.cluster.local")) == found["outbound|80||other.default.svc.cluster.local"]
    assert (("ORIGINAL_DST", None), ("STATIC", None)) == (found["PassthroughCluster"], found["BlackHoleCluster"])


def test_the_admin_pages_are_where_they_are_asked_to_be():
    """On loopback unless told otherwise, or nowhere."""
    places = [bootstrap(SNAPSHOT)["admin"], bootstrap(SNAPSHOT, SocketAddress("::1", 1))["admin"]]
    assert [("127.0.0.1", 15000), ("::1", 1)] == [tuple(place["address"]["socketAddress"].values()) for place in places]
    assert "admin" not in bootstrap(SNAPSHOT, None)


def test_runtime_settings_are_istios():
    """A path with a fragment is served without it."""
    layers = bootstrap(SNAPSHOT)["layeredRuntime"]["layers"]
    assert layers[0]["staticLayer"]["envoy.reloadable_features.http_reject_path_with_fragment"] is False


def test_a_machine_without_addresses_has_a_bootstrap():
    """Its id leaves the address out."""
    found = bootstrap(Snapshot(NodeReference("n")))
    assert ({"id": "sidecar~~n.default", "cluster": "n.default"}, {"listeners": [], "clusters": []}) == (found["node"], found["staticResources"])


def test_mutual_tls_alone_closes_connections():
    """Nothing but it is taken there, and no certificate stands in the file."""
    tls = FilterChain("strict", FilterChainMatch(80, transport_protocol="tls"), TcpProxy("a", "a"), DownstreamTls())
    listener = Listener("l", SocketAddress("0.0.0.0", 15006), (tls,), mutual_tls_chains=(attrs.evolve(tls, name="waiting"),))
    (written,) = bootstrap(Snapshot(NodeReference("n"), {"l": listener}))["staticResources"]["listeners"]
    (chain,) = read_listener(written).filter_chains
    assert attrs.evolve(tls, filter=TcpProxy("BlackHoleCluster", "BlackHoleCluster"), tls=None) == chain
