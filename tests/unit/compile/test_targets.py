"""What outbound clusters stand for."""

import attrs
import pytest

from meshd.base.origins import Origin
from meshd.compile.destination_rules import HostRule
from meshd.compile.targets import override, targets_of
from meshd.model.destination_rule import Subset
from meshd.model.traffic_policy import (
    ClientTls,
    ConnectionPool,
    LoadBalancer,
    OutlierDetection,
    PortPolicy,
    RetryBudget,
    TrafficPolicy,
    Tunnel,
)
from tests.helpers.services import alias, headless, mesh_service, port, service

WEB = mesh_service(service("web", port(80, "http"), port(53, "dns", protocol="UDP"), port(90, "tcp")))
RULE = Origin("rule.yaml")
RANDOM, ROBIN = LoadBalancer("RANDOM"), LoadBalancer("ROUND_ROBIN")
POOL, OTHER_POOL = ConnectionPool(max_connections=1), ConnectionPool(max_requests=2)
DETECTION, TLS = OutlierDetection(consecutive_5xx=3), ClientTls("SIMPLE")
V1, V2 = Subset("v1", {"version": "v1"}), Subset("v2", {"version": "v2"}, TrafficPolicy(ROBIN))


def test_a_service_without_a_rule_has_a_target_a_port():
    """UDP ports have none."""
    assert [("outbound|80||web.default.svc.cluster.local", (WEB.origin,)), ("outbound|90||web.default.svc.cluster.local", (WEB.origin,))] == [
        (target.name, target.origins) for target in targets_of(WEB, None)
    ]


@pytest.mark.parametrize("resource", [alias("a", "b"), service("a", port(53, protocol="UDP")), service("a")])
def test_some_services_have_no_target(resource):
    """Aliases, UDP ports, services without ports."""
    rule = HostRule(None, (V1,), (RULE,))
    assert [] == [target for given in (None, rule) for target in targets_of(mesh_service(resource), given)]


def test_subsets_stand_behind_each_port():
    """All endpoints first, then the subsets in order, each with its policy over the rule's."""
    found = list(targets_of(WEB, HostRule(TrafficPolicy(RANDOM, POOL), (V1, V2), (RULE,))))
    assert [
        ("outbound|80||web.default.svc.cluster.local", {}, RANDOM),
        ("outbound|80|v1|web.default.svc.cluster.local", V1.labels, RANDOM),
        ("outbound|80|v2|web.default.svc.cluster.local", V2.labels, ROBIN),
        ("outbound|90||web.default.svc.cluster.local", {}, RANDOM),
        ("outbound|90|v1|web.default.svc.cluster.local", V1.labels, RANDOM),
        ("outbound|90|v2|web.default.svc.cluster.local", V2.labels, ROBIN),
    ] == [(target.name, target.labels, target.policy.load_balancer) for target in found]
    assert {POOL} == {target.policy.connection_pool for target in found}
    assert {(WEB.origin, RULE)} == {target.origins for target in found}


def test_headless_services_have_targets():
    """The client chooses the endpoint; limits of the cluster still count."""
    assert ["outbound|80||db.default.svc.cluster.local"] == [target.name for target in targets_of(mesh_service(headless("db", port(80))), None)]


def test_a_subset_is_laid_over_the_settled_port():
    """A port's own settings in the rule count for its subsets; a subset's policy wins over them, and its port's over that."""
    rule = TrafficPolicy(RANDOM, POOL, ports={90: PortPolicy(ROBIN)})
    subset = Subset("v1", {}, TrafficPolicy(connection_pool=OTHER_POOL, ports={80: PortPolicy(outlier_detection=DETECTION)}))
    found = {target.name.rpartition("|")[0]: target.policy for target in targets_of(WEB, HostRule(rule, (subset,), ()))}
    assert {
        "outbound|80|": TrafficPolicy(RANDOM, POOL),
        "outbound|80|v1": TrafficPolicy(outlier_detection=DETECTION),
        "outbound|90|": TrafficPolicy(ROBIN),
        "outbound|90|v1": TrafficPolicy(ROBIN, OTHER_POOL),
    } == found


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [
        (TrafficPolicy(RANDOM), None, TrafficPolicy(RANDOM)),
        (TrafficPolicy(RANDOM), TrafficPolicy(), TrafficPolicy(RANDOM)),
        (TrafficPolicy(RANDOM, POOL), TrafficPolicy(ROBIN), TrafficPolicy(ROBIN, POOL)),
        (TrafficPolicy(RANDOM, POOL), TrafficPolicy(None, OTHER_POOL), TrafficPolicy(RANDOM, OTHER_POOL)),
        (TrafficPolicy(tls=TLS), TrafficPolicy(outlier_detection=DETECTION), TrafficPolicy(outlier_detection=DETECTION, tls=TLS)),
        # a port's own settings replace those of the policy that they stand in, and of the one below, even where they say nothing
        (TrafficPolicy(RANDOM, POOL, DETECTION, TLS), TrafficPolicy(ROBIN, ports={80: PortPolicy()}), TrafficPolicy()),
        (TrafficPolicy(RANDOM, POOL), TrafficPolicy(connection_pool=OTHER_POOL, ports={80: PortPolicy(ROBIN)}), TrafficPolicy(ROBIN)),
        (TrafficPolicy(RANDOM), TrafficPolicy(ROBIN, ports={81: PortPolicy()}), TrafficPolicy(ROBIN)),
    ],
)
def test_one_policy_is_laid_over_another(base, other, expected):
    """Field by field, whole fields: two connection pools are not mixed."""
    assert expected == override(base, other, 80)


def test_what_ports_do_not_have_is_kept_beside_their_own_settings():
    """Tunnels, the PROXY protocol and budgets of retries are the whole policy's."""
    kept = {"tunnel": Tunnel("a.example", 443), "proxy_protocol": "V2", "retry_budget": RetryBudget(5.0)}
    whole = TrafficPolicy(RANDOM, **kept)
    assert TrafficPolicy(**kept) == override(TrafficPolicy(), attrs.evolve(whole, ports={80: PortPolicy()}), 80)
    assert TrafficPolicy(ROBIN, **kept) == override(whole, TrafficPolicy(ports={80: PortPolicy(ROBIN)}), 80)
    assert RetryBudget(9.0) == override(whole, TrafficPolicy(retry_budget=RetryBudget(9.0)), 80).retry_budget
