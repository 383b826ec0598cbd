"""From clusters to endpoints."""

import pytest

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.upstreams import choose_upstream, tell_of_mirrors
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.route import Mirror, WeightedCluster
from meshd.snapshot.snapshot import NodeReference, Snapshot

UP, DOWN = Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80, health="UNHEALTHY")


def chosen(cluster, *localities):
    """Give the reason and the endpoints of a cluster with some localities."""
    snapshot = Snapshot(NodeReference("n"), clusters={"c": cluster}, endpoints={"c": ClusterLoadAssignment("c", localities)})
    answer = Answer()
    return choose_upstream(snapshot, "c", (), Call(address="fd00::9", port=81), answer), answer.endpoints


@pytest.mark.parametrize(
    ("cluster", "localities", "expected"),
    [
        (Cluster("c", "EDS", service_name="c"), [(UP,)], ("", ("10.0.0.1:80",))),
        (Cluster("c", "STATIC"), [(Endpoint("fd00::1", 80),)], ("", ("[fd00::1]:80",))),
        (Cluster("c", "EDS", service_name="c"), [], ("no_healthy_upstream", ())),
        (Cluster("c", "EDS", service_name="other"), [(UP,)], ("no_healthy_upstream", ())),
        (Cluster("c", "EDS", service_name="c"), [(UP, DOWN)], ("", ("10.0.0.1:80",))),
        (Cluster("c", "EDS", service_name="c"), [(DOWN,)], ("", ("10.0.0.2:80",))),
        (Cluster("c", "EDS", service_name="c", panic_threshold_percent=0.0), [(DOWN,)], ("no_healthy_upstream", ())),
        (Cluster("c", "EDS", service_name="c", panic_threshold_percent=51.0), [(UP, DOWN)], ("", ("10.0.0.1:80", "10.0.0.2:80"))),
        (Cluster("c", "ORIGINAL_DST"), [], ("", ("[fd00::9]:81",))),
        (Cluster("c", "ORIGINAL_DST", upstream_port=8080), [], ("", ("[fd00::9]:8080",))),
    ],
)
def test_lists_what_may_be_picked(cluster, localities, expected):
    """Healthy endpoints, all of them in panic, the connection's own destination."""
    assert expected == chosen(cluster, *(LocalityEndpoints(endpoints=endpoints) for endpoints in localities))


def test_the_first_priority_that_has_any_is_used():
    """Whatever the order of localities."""
    spare = LocalityEndpoints(endpoints=(Endpoint("10.0.1.1", 80),), priority=1)
    cluster = Cluster("c", "EDS", service_name="c", panic_threshold_percent=0.0)
    assert ("", ("10.0.0.1:80",)) == chosen(cluster, spare, LocalityEndpoints(endpoints=(UP,)))
    assert ("", ("10.0.1.1:80",)) == chosen(cluster, LocalityEndpoints(endpoints=(DOWN,)), spare)


@pytest.mark.parametrize(
    ("weighted", "expected"),
    [
        ((("a", 1), ("b", 3), ("none", 0)), ("", "", (("a", 1), ("b", 3)), ("1.1.1.1:1", "2.2.2.2:2"))),
        ((("a", 1), ("absent", 1)), ("", "", (("a", 1), ("absent", 1)), ("1.1.1.1:1",))),
        ((("a", 1), ("b", 0)), ("", "a", (("a", 1),), ("1.1.1.1:1",))),
        ((("absent", 1),), ("cluster_not_found", "absent", (("absent", 1),), ())),
        ((("a", 0),), ("cluster_not_found", "", (), ())),
        ((), ("cluster_not_found", "", (), ())),
    ],
)
def test_weighted_clusters(weighted, expected):
    """Shares of 0 are no choice; where there is one choice only, it is the cluster."""
    clusters = {name: Cluster(name, "STATIC") for name in "ab"}
    places = {"a": Endpoint("1.1.1.1", 1), "b": Endpoint("2.2.2.2", 2)}
    endpoints = {name: ClusterLoadAssignment(name, (LocalityEndpoints(endpoints=(place,)),)) for name, place in places.items()}
    answer = Answer()
    snapshot = Snapshot(NodeReference("n"), clusters=clusters, endpoints=endpoints)
    reason = choose_upstream(snapshot, "", tuple(WeightedCluster(name, weight) for name, weight in weighted), Call(), answer)
    assert expected == (reason, answer.cluster, answer.weighted_clusters, answer.endpoints)


def test_tells_of_copies():
    """Which cluster gets them, of how many requests, and that one is not there."""
    answer = Answer()
    tell_of_mirrors(Snapshot(NodeReference("n"), clusters={"m": Cluster("m", "STATIC")}), (Mirror("m", 12.5), Mirror("none")), answer)
    expected = [(True, "m gets a copy of 12.5 % of requests"), (False, "there is no cluster none")]
    assert expected == [(step.matched, step.why) for step in answer.steps]
