"""Which DestinationRule stands for a service."""

import pytest

from meshd.base.origins import Origin
from meshd.compile.destination_rules import DestinationRules, HostRule
from meshd.model.destination_rule import Subset
from meshd.model.traffic_policy import ConnectionPool, LoadBalancer, PortPolicy, RetryBudget, TrafficPolicy
from meshd.model.world import World
from tests.helpers.services import machine, mesh, mesh_service, port, service
from tests.helpers.traffic import entry_service, rule

WEB = mesh_service(service("web", port(80), namespace="shop"))
HOST = "web.shop.svc.cluster.local"
RANDOM, ROBIN = TrafficPolicy(LoadBalancer("RANDOM")), TrafficPolicy(LoadBalancer("ROUND_ROBIN"))


def find(*rules, service=WEB, namespace="client", labels=None, **settings):
    """Give what stands for a service, seen from a machine in a namespace, `client`."""
    return DestinationRules(World().changed(rules), machine(namespace=namespace, labels=labels), mesh(**settings)).find(service)


def names(*rules, **more):
    """Give the names of the rules that were put together."""
    found = find(*rules, **more)
    return [] if found is None else [origin.name for origin in found.origins]


@pytest.mark.parametrize(
    ("namespaces", "client", "expected"),
    [
        (("client", "shop", "istio-system"), "client", ["client"]),
        (("shop", "istio-system"), "client", ["shop"]),
        (("istio-system",), "client", ["istio-system"]),
        (("other",), "client", []),
        (("client", "shop"), "shop", ["shop"]),
        (("shop", "istio-system"), "istio-system", ["shop"]),
        (("istio-system",), "istio-system", ["istio-system"]),
        ((), "client", []),
    ],
)
def test_where_rules_are_looked_for(namespaces, client, expected):
    """The client's namespace, then the service's, then the root namespace; one that is itself the root does not come first."""
    assert expected == names(*(rule(found, HOST, namespace=found) for found in namespaces), namespace=client)


def test_the_root_namespace_is_the_meshs():
    """It has another name there."""
    assert ["a"] == names(rule("a", HOST, namespace="root"), root_namespace="root")


@pytest.mark.parametrize(
    ("exported", "seen_by"),
    [
        ((), ["shop", "client", "other"]),
        (("*",), ["shop", "client", "other"]),
        ((".",), ["shop"]),
        (("shop",), ["shop"]),
        (("client",), ["client"]),
        ((".", "client"), ["shop", "client"]),
    ],
)
def test_a_rule_is_seen_as_its_export_says(exported, seen_by):
    """`.` is its own namespace, `*` all."""
    found = rule("a", HOST, namespace="shop", export_to=exported)
    assert seen_by == [namespace for namespace in ("shop", "client", "other") if names(found, namespace=namespace)]


@pytest.mark.parametrize(("default", "seen_by"), [((".",), ["shop"]), (("*",), ["shop", "client"]), (("client",), ["shop", "client"])])
def test_the_mesh_has_a_default_for_exports(default, seen_by):
    """A rule that says nothing always holds in its own namespace."""
    found = rule("a", HOST, namespace="shop")
    assert seen_by == [where for where in ("shop", "client") if names(found, namespace=where, default_destination_rule_export_to=default)]
    loud = rule("a", HOST, namespace="shop", export_to=("*",))
    assert ["a"] == names(loud, default_destination_rule_export_to=default)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (("*", "*.local", "*.shop.svc.cluster.local", HOST), HOST),
        (("*", "*.local", "*.shop.svc.cluster.local"), "*.shop.svc.cluster.local"),
        (("*", "*.bank.svc.cluster.local"), "*"),
        (("other.shop.svc.cluster.local",), None),
    ],
)
def test_the_most_specific_host_counts(hosts, expected):
    """Rules of different hosts are not put together."""
    rules = {f"r{place}": rule(f"r{place}", host, namespace="shop") for place, host in enumerate(hosts)}
    found = names(*rules.values())
    assert [expected] == ([rules[name].host for name in found] or [None])


def test_a_nearer_namespace_wins_over_a_more_specific_host():
    """There is no going on to the next one, once something is found."""
    assert ["near"] == names(rule("near", "*", namespace="client"), rule("far", HOST, namespace="shop"))


@pytest.mark.parametrize(("host", "namespace", "expected"), [("web", "shop", ["a"]), ("WEB.shop.svc.cluster.local", "client", ["a"]),
                                                             ("web", "client", []), ("web.shop", "client", [])])
def test_a_short_host_is_of_the_rules_namespace(host, namespace, expected):
    """Names with a dot are taken as they are."""
    assert expected == names(rule("a", host, namespace=namespace))


def test_rules_hold_for_service_entries():
    """Wildcard hosts among them, by wildcards at least as wide."""
    found = entry_service("a", "*.example.com", namespace="shop")
    assert ["a"] == names(rule("a", "*.example.com"), service=found, namespace="default")
    assert ["b"] == names(rule("b", "*.com"), rule("c", "www.example.com"), service=found, namespace="default")


def test_rules_of_one_host_are_put_together():
    """The oldest policy counts, and the oldest of subsets that have one name."""
    rules = (
        rule("young", HOST, ROBIN, Subset("v1", {"late": "y"}), Subset("v3"), namespace="shop", created="2026-03-01T00:00:00Z"),
        rule("old", HOST, None, Subset("v1", {"early": "y"}), namespace="shop", created="2026-01-01T00:00:00Z"),
        rule("middle", HOST, RANDOM, Subset("v2"), namespace="shop", created="2026-02-01T00:00:00Z"),
    )
    found = find(*rules)
    assert (RANDOM, (Subset("v1", {"early": "y"}), Subset("v2"), Subset("v3"))) == (found.policy, found.subsets)
    assert (["old", "middle", "young"], "shop") == ([origin.name for origin in found.origins], found.namespace)


def test_rules_that_others_see_are_not_put_to_private_ones():
    """At home the last one holds, as Istio's own control plane answers; others see the rest."""
    rules = rule("a", HOST, RANDOM, namespace="shop", export_to=(".",)), rule("b", HOST, ROBIN, namespace="shop")
    assert (["b"], ["b"]) == (names(*rules, namespace="shop"), names(*rules))


def test_a_rule_that_more_see_is_put_to_one_that_fewer_see():
    """By what is written: every place of the earlier one's exportTo stands in the later one's."""
    rules = rule("a", HOST, RANDOM, namespace="shop", export_to=(".",)), rule("b", HOST, ROBIN, namespace="shop", export_to=(".", "client"))
    assert ["a", "b"] == names(*rules, namespace="shop")


def test_a_subset_that_a_rule_has_twice_counts_once():
    """Its first one."""
    assert (Subset("v1", {"a": "1"}),) == find(rule("a", HOST, None, Subset("v1", {"a": "1"}), Subset("v1"), namespace="shop")).subsets


@pytest.mark.parametrize(
    ("labels", "namespace", "expected"),
    [
        ({"app": "cart"}, "client", RANDOM),
        ({"app": "cart", "x": "y"}, "client", RANDOM),
        ({"app": "pay"}, "client", ROBIN),
        ({}, "client", ROBIN),
        ({"app": "cart"}, "shop", None),
    ],
)
def test_a_rule_may_be_for_some_workloads_of_its_namespace(labels, namespace, expected):
    """It wins over one for all, and does not concern other namespaces."""
    selected = rule("own", HOST, RANDOM, namespace="client", selector={"app": "cart"})
    general = rule("all", HOST, ROBIN, namespace="client", export_to=(".",))
    found = find(selected, general, labels=labels, namespace=namespace)
    assert expected == (None if found is None else found.policy)


def test_a_selector_chooses_no_workload_of_another_namespace():
    """Labels are the same there by chance."""
    assert [] == names(rule("a", HOST, RANDOM, namespace="shop", selector={"app": "cart"}), labels={"app": "cart"})


def test_rules_for_different_workloads_are_not_put_together():
    """Those for the same are."""
    rules = [rule(name, HOST, None, Subset(name), namespace="client", selector={"app": app}) for name, app in (("a", "x"), ("b", "y"), ("c", "x"))]
    assert (["a", "c"], ["b"], []) == tuple(names(*rules, labels={"app": app}) for app in ("x", "y", "z"))


def test_what_arrives_is_nobodys_in_particular():
    """A selector chooses what leaves a machine."""
    own, general = rule("own", HOST, namespace="shop", selector={"a": "b"}), rule("all", HOST, namespace="shop")
    rules = DestinationRules(World().changed([own, general]), machine(namespace="shop", labels={"a": "b"}), mesh())
    assert ["all"] == [origin.name for origin in rules.find_general(WEB).origins]
    assert ["own"] == [origin.name for origin in rules.find(WEB).origins]
    assert None is DestinationRules(World().changed([own]), machine(namespace="shop", labels={"a": "b"}), mesh()).find_general(WEB)


def test_the_meshs_policy_is_below_every_rule():
    """Field by field; a port's own settings are upon nothing; services without a rule have it alone, and connections that arrive have not."""
    pool, budget = ConnectionPool(max_connections=3), RetryBudget(5.0)
    base = TrafficPolicy(LoadBalancer("RANDOM"), pool, retry_budget=budget, ports={80: PortPolicy()})
    settings = {"default_traffic_policy": base}
    assert HostRule(TrafficPolicy(LoadBalancer("RANDOM"), pool, retry_budget=budget), (), (Origin("defaults"),)) == find(**settings)
    ports = {80: PortPolicy(LoadBalancer("ROUND_ROBIN"))}
    found = find(rule("a", HOST, TrafficPolicy(LoadBalancer("ROUND_ROBIN"), ports=ports), Subset("v1"), namespace="shop"), **settings)
    assert TrafficPolicy(LoadBalancer("ROUND_ROBIN"), pool, retry_budget=budget, ports=ports) == found.policy
    assert ((Subset("v1"),), ["", "a"]) == (found.subsets, [origin.name for origin in found.origins])
    assert base.load_balancer == find(rule("a", HOST, None, Subset("v1"), namespace="shop"), **settings).policy.load_balancer
    assert None is DestinationRules(World(), machine(), mesh(**settings)).find_general(WEB)
