"""What routes hash by."""

import pytest

from meshd.compile.destination_rules import DestinationRules
from meshd.compile.hash_policies import HashPolicies
from meshd.model.destination_rule import Subset
from meshd.model.traffic_policy import ConsistentHash, HashCookie, LoadBalancer, PortPolicy, TrafficPolicy
from meshd.model.world import World
from meshd.snapshot.route import HashPolicy
from tests.helpers.services import machine, mesh, mesh_service, port, service
from tests.helpers.traffic import rule

WEB = mesh_service(service("web", port(80)))
USER, GROUP = ConsistentHash("x-user"), ConsistentHash("x-group")
BY_USER, BY_GROUP = HashPolicy("header", "x-user"), HashPolicy("header", "x-group")


def hashed(found):
    """Give a load balancer that hashes."""
    return LoadBalancer(consistent_hash=found)


def find(policy, *subsets, port=80, subset="", host=WEB.host):
    """Give the policies of a destination under one rule."""
    rules = DestinationRules(World().changed([rule("web", "web", policy, *subsets)]), machine(), mesh())
    return HashPolicies({WEB.host: WEB}, rules).find(host, port, subset)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (USER, BY_USER),
        (ConsistentHash(query_parameter="q"), HashPolicy("query_parameter", "q")),
        (ConsistentHash(source_ip=True), HashPolicy("source_ip")),
        (ConsistentHash(cookie=HashCookie("c")), HashPolicy("cookie", "c")),
        (ConsistentHash(cookie=HashCookie("c", "/x", 0.0)), HashPolicy("cookie", "c", cookie_ttl=0.0, cookie_path="/x")),
        (ConsistentHash("x-user", maglev=True), BY_USER),
    ],
)
def test_a_consistent_hash_names_one_thing(said, expected):
    """Ring or table are the cluster's business."""
    assert (expected,) == find(TrafficPolicy(hashed(said)))


@pytest.mark.parametrize("policy", [None, TrafficPolicy(), TrafficPolicy(LoadBalancer("ROUND_ROBIN")), TrafficPolicy(ports={80: PortPolicy()})])
def test_without_a_consistent_hash_there_is_nothing_to_hash_by(policy):
    """Nor for hosts that no service or rule is known of."""
    assert () == find(policy, Subset("v1"), subset="v1")
    assert () == find(TrafficPolicy(hashed(USER)), host="other.example")
    assert () == HashPolicies({WEB.host: WEB}, DestinationRules(World(), machine(), mesh())).find(WEB.host, 80)


@pytest.mark.parametrize(
    ("policy", "number", "expected"),
    [
        (TrafficPolicy(hashed(USER), ports={80: PortPolicy(hashed(GROUP))}), 80, BY_GROUP),
        (TrafficPolicy(hashed(USER), ports={80: PortPolicy(hashed(GROUP))}), 81, BY_USER),
        (TrafficPolicy(ports={80: PortPolicy(hashed(GROUP))}), 80, BY_GROUP),
        (TrafficPolicy(hashed(USER), ports={80: PortPolicy(LoadBalancer("RANDOM"))}), 80, BY_USER),
        (TrafficPolicy(hashed(USER), ports={80: PortPolicy()}), 80, BY_USER),
    ],
)
def test_a_ports_own_hash_counts_before(policy, number, expected):
    """One that names no hash does not undo the rule's, unlike other settings; the service need not have the port."""
    assert (expected,) == find(policy, port=number)


@pytest.mark.parametrize(
    ("own", "subset", "expected"),
    [
        (TrafficPolicy(hashed(GROUP)), "v1", BY_GROUP),
        (TrafficPolicy(ports={80: PortPolicy(hashed(GROUP))}), "v1", BY_GROUP),
        (TrafficPolicy(LoadBalancer("RANDOM")), "v1", BY_USER),
        (None, "v1", BY_USER),
        (TrafficPolicy(hashed(GROUP)), "", BY_USER),
        (TrafficPolicy(hashed(GROUP)), "absent", BY_USER),
    ],
)
def test_a_subsets_own_hash_counts_before(own, subset, expected):
    """Else the rule's."""
    assert (expected,) == find(TrafficPolicy(hashed(USER)), Subset("v1", {}, own), subset=subset)
