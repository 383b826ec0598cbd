"""Reading DestinationRules: hosts, subsets and selectors."""

import pytest

from meshd.model.destination_rule import DestinationRule, Subset
from meshd.model.traffic_policy import ConsistentHash, LoadBalancer, TrafficPolicy
from tests.helpers.networking import DESTINATION_RULE, read, wrong


def test_reads_a_whole_destination_rule():
    """The policy is held in the tests of its reading."""
    found = read(DestinationRule, DESTINATION_RULE)
    hashed = TrafficPolicy(LoadBalancer(consistent_hash=ConsistentHash("x-user", minimum_ring_size=7)))
    subsets = (Subset("v1", {"version": "v1"}, hashed), Subset("all"))
    assert DestinationRule(found.metadata, "Web", found.policy, subsets, ("*",), {"app": "client"}) == found
    assert found.policy is not None


def test_reads_an_empty_one():
    """A host is enough."""
    found = read(DestinationRule, "{host: '*.example.com', workloadSelector: {labels: {app: a}}}")
    assert DestinationRule(found.metadata, "*.example.com", selector={"app": "a"}) == found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.host: expected a DNS name, or one with * in the place of its first label, got nothing"]),
        ("{host: 5}", ["error spec.host: expected text, got the number 5; quote it"]),
        ("{host: a b}", ["error spec.host: expected a DNS name, or one with * in the place of its first label, got 'a b'"]),
        ("{host: web, exportTo: 5}", ["error spec.exportTo: expected a list, got the number 5; begin each item with '- '"]),
        ("{host: web, workloadSelector: {matchLabels: {'a*': b}}}", [
            "error spec.workloadSelector.matchLabels[a*]: expected a label without *, got 'a*'",
        ]),
        ("{host: web, workloadSelector: {matchLabels: {a: 5}}}", [
            "error spec.workloadSelector.matchLabels.a: expected text, got the number 5; quote it",
        ]),
        ("{host: web, trafficPolicy: []}", ["error spec.trafficPolicy: expected a mapping, got a list"]),
        ("{host: web, subsets: {}}", ["error spec.subsets: expected a list, got a mapping; begin each item with '- '"]),
        ("{host: web, subsets: [{}]}", ["error spec.subsets[0].name: expected a subset's name of letters, digits and '-', got nothing"]),
        ("{host: web, subsets: [{name: a_b}]}", ["error spec.subsets[0].name: expected a subset's name of letters, digits and '-', got 'a_b'"]),
        ("{host: web, subsets: [{name: V1}, {name: V1}]}", ["error spec.subsets[1].name: expected each subset once, got V1 twice"]),
        ("{host: web, subsets: [{name: v1, labels: {a: []}}]}", ["error spec.subsets[0].labels.a: expected text, got a list"]),
        ("{host: web, subset: []}", ["warning spec.subset: expected a known field, got subset, which is ignored; did you mean subsets?"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; those of the policy are in other tests."""
    assert expected == wrong(DestinationRule, spec)
