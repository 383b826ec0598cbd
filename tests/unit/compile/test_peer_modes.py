"""Who may connect to a machine."""

import itertools

import pytest

from meshd.compile.peer_modes import PeerModes, PeerRule, find_peer_modes
from meshd.model.world import World
from tests.helpers.resources import complaints_of, resources_of
from tests.helpers.services import machine, mesh

OURS = "selector: {matchLabels: {app: web}}"
STRICT, DISABLE, UNSET = "mtls: {mode: STRICT}", "mtls: {mode: DISABLE}", "mtls: {mode: UNSET}"


def policy(name, spec, namespace="default", year=2020):
    """Write a PeerAuthentication."""
    return (f"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nspec: {{{spec}}}\n"
            f"metadata: {{name: {name}, namespace: {namespace}, creationTimestamp: '{year}-01-01T00:00:00Z'}}\n")


def modes(*policies, namespace="default"):
    """Give the mode of every port with the name of who says it, then those of single ports; the order of documents is of no matter."""
    node = machine(namespace=namespace, labels={"app": "web"})
    found = []
    for order in itertools.permutations(policies):
        text = "\n---\n".join(order)
        assert [] == complaints_of(text)
        rules = find_peer_modes(World().changed(resources_of(text)), node, mesh())
        found.append([told(rules.general), *(f"{number} {told(rule)}" for number, rule in rules.ports.items())])
    assert [found[0]] * len(found) == found
    return found[0]


def told(rule):
    """Give a rule as text."""
    return " ".join((rule.mode, *(origin.name for origin in rule.origins)))


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], ["PERMISSIVE"]),
        ([policy("a", UNSET)], ["PERMISSIVE"]),
        ([policy("a", "")], ["PERMISSIVE"]),
        ([policy("a", STRICT)], ["STRICT a"]),
        ([policy("a", STRICT, "other")], ["PERMISSIVE"]),
        ([policy("a", STRICT, "istio-system")], ["STRICT a"]),
        ([policy("a", STRICT, "istio-system"), policy("b", DISABLE)], ["DISABLE b"]),
        ([policy("a", STRICT, "istio-system"), policy("b", UNSET)], ["STRICT a"]),
        ([policy("a", STRICT), policy("b", f"{OURS}, {DISABLE}")], ["DISABLE b"]),
        ([policy("a", STRICT), policy("b", f"{OURS}, {UNSET}")], ["STRICT a"]),
        ([policy("a", STRICT), policy("b", f"selector: {{matchLabels: {{app: db}}}}, {DISABLE}")], ["STRICT a"]),
        ([policy("a", f"{OURS}, {STRICT}", "istio-system")], ["PERMISSIVE"]),
        ([policy("b", STRICT), policy("a", DISABLE, year=2021)], ["STRICT b"]),
        ([policy("b", STRICT), policy("a", DISABLE)], ["DISABLE a"]),
        ([policy("a", UNSET), policy("b", STRICT, year=2021)], ["PERMISSIVE"]),
    ],
)
def test_the_nearest_that_says_a_mode_counts(policies, expected):
    """The mesh's, its namespace's, its own; of each the oldest, even where that says nothing."""
    assert expected == modes(*policies)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("mtls: {mode: STRICT}, portLevelMtls: {90: {mode: DISABLE}, 80: {mode: UNSET}}", ["STRICT own", "80 STRICT own", "90 DISABLE own"]),
        ("portLevelMtls: {90: {mode: STRICT}, 80: {mode: UNSET}}", ["DISABLE all", "80 DISABLE all", "90 STRICT own"]),
    ],
)
def test_ports_may_have_modes_of_their_own(spec, expected):
    """One that is not set is the machine's."""
    assert expected == modes(policy("own", f"{OURS}, {spec}"), policy("all", DISABLE))


def test_machines_of_the_root_namespace_have_the_meshs():
    """A selector is of no use there."""
    assert ["STRICT a"] == modes(policy("a", STRICT, "istio-system"), policy("b", f"{OURS}, {DISABLE}", "istio-system"), namespace="istio-system")


def test_a_port_without_a_rule_has_the_general_one():
    """Every one of them."""
    rules = PeerModes(PeerRule("STRICT"), {80: PeerRule("DISABLE")})
    assert ["DISABLE", "STRICT"] == [rules.of(number).mode for number in (80, 81)]
