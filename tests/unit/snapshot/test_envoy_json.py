"""Snapshots in Envoy's JSON."""

import json

import attrs

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.envoy_json import to_json
from meshd.snapshot.listener import Listener
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.secret import Secret
from meshd.snapshot.snapshot import NodeReference, Snapshot

PLACE = (LocalityEndpoints(endpoints=(Endpoint("10.0.0.1", 80),)),)
SNAPSHOT = Snapshot(
    NodeReference("n", "shop", ("10.0.0.9",)),
    {"l": Listener("l", SocketAddress("::", 80))},
    {"r": RouteConfiguration("r")},
    {"c": Cluster("c", "EDS", service_name="c"), "s": Cluster("s", "STATIC"), "empty": Cluster("empty", "STATIC")},
    {"c": ClusterLoadAssignment("c", PLACE), "s": ClusterLoadAssignment("s", PLACE)},
    {"default": Secret("default", "CERTIFICATE", "PRIVATE"), "ROOTCA": Secret("ROOTCA", trusted_ca="ROOT")},
)


def test_each_part_is_a_list():
    """Of Envoy's resources, in order."""
    found = to_json(SNAPSHOT)
    assert ["node", "listeners", "routes", "clusters", "endpoints", "secrets"] == list(found)
    assert {"name": "n", "namespace": "shop", "addresses": ["10.0.0.9"]} == found["node"]
    assert (["l"], ["r"], ["c", "s", "empty"]) == tuple([item["name"] for item in found[part]] for part in ("listeners", "routes", "clusters"))


def test_endpoints_of_static_clusters_stand_within_them():
    """They are not discovered."""
    found = to_json(SNAPSHOT)
    assert ["c"] == [item["clusterName"] for item in found["endpoints"]]
    assert [False, True, False] == ["loadAssignment" in item for item in found["clusters"]]


def test_private_keys_are_never_written():
    """Neither is their length."""
    found = json.dumps(to_json(SNAPSHOT))
    assert ("CERTIFICATE" in found, "ROOT" in found, "PRIVATE" in found) == (True, True, False)


def test_an_empty_snapshot_has_empty_lists():
    """And is JSON as it stands."""
    found = to_json(attrs.evolve(SNAPSHOT, listeners={}, routes={}, clusters={}, endpoints={}, secrets={}))
    assert {part: [] for part in ("listeners", "routes", "clusters", "endpoints", "secrets")} == {part: found[part] for part in list(found)[1:]}
