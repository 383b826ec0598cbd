"""Which endpoints are used first."""

import attrs
import pytest

from meshd.base.locality import Locality, parse_locality
from meshd.compile.localities import arrange, locality_setting, weighs_localities
from meshd.model.traffic_policy import LoadBalancer, LocalityLb, OutlierDetection, TrafficPolicy
from meshd.snapshot.endpoint import Endpoint, LocalityEndpoints
from tests.helpers.services import machine, mesh_service, port, proxy, service
from tests.helpers.traffic import target

OWN = Locality("eu", "north", "a")
HERE = proxy(machine(locality=OWN, labels={"version": "v1", "rack": "7"}))
DETECTION = OutlierDetection()
SHARES = LocalityLb(distribute=(("*", (("*", 100),)),))
FAILOVER = LocalityLb(failover=(("eu", "us"),))


def places(*localities, weight=1):
    """Give localities of one endpoint each, given as `region/zone/subzone` or as this and its weight."""
    listed = [(found, weight) if isinstance(found, str) else found for found in localities]
    return [
        LocalityEndpoints(parse_locality(text), (Endpoint(f"10.0.0.{number}", 80, found),), weight=found)
        for number, (text, found) in enumerate(listed)
    ]


def priorities(found):
    """Give the priority of each locality."""
    return [(str(place.locality), place.priority) for place in found]


@pytest.mark.parametrize(
    ("own", "whole", "detection", "expected"),
    [
        (None, None, None, None),
        (None, None, DETECTION, LocalityLb()),
        (FAILOVER, None, None, None),
        (FAILOVER, None, DETECTION, FAILOVER),
        (SHARES, None, None, SHARES),
        (None, SHARES, None, SHARES),
        (FAILOVER, SHARES, DETECTION, FAILOVER),
        (FAILOVER, SHARES, None, None),
        (None, LocalityLb(enabled=False), DETECTION, None),
        (LocalityLb(enabled=False), SHARES, DETECTION, None),
        (LocalityLb(enabled=True), LocalityLb(enabled=False), DETECTION, LocalityLb(enabled=True)),
    ],
)
def test_which_setting_holds(own, whole, detection, expected):
    """The rule's before the mesh's, as a whole; without outlier detection only shares count."""
    found = target(policy=TrafficPolicy(LoadBalancer(locality=own), outlier_detection=detection))
    here = attrs.evolve(HERE, mesh=attrs.evolve(HERE.mesh, locality_lb=whole))
    assert expected == locality_setting(found, here)


@pytest.mark.parametrize(
    ("own", "whole", "detection", "expected"),
    [
        (None, None, DETECTION, False),
        (FAILOVER, None, DETECTION, True),
        (FAILOVER, None, None, False),
        (None, FAILOVER, DETECTION, False),
        (SHARES, None, None, True),
        (None, SHARES, None, True),
        (LocalityLb(enabled=False), SHARES, DETECTION, False),
    ],
)
def test_where_weights_of_localities_count(own, whole, detection, expected):
    """As in the worlds that Istio's control plane answered: where a rule has a setting of its own that holds; and for shares."""
    found = target(policy=TrafficPolicy(LoadBalancer(locality=own), outlier_detection=detection))
    assert expected == weighs_localities(found, attrs.evolve(HERE, mesh=attrs.evolve(HERE.mesh, locality_lb=whole)))


@pytest.mark.parametrize(
    ("localities", "failover", "expected"),
    [
        (
            ("eu/north/a", "eu/north/b", "eu/south/a", "us"), (),
            [("eu/north/a", 0), ("eu/north/b", 1), ("eu/south/a", 2), ("us", 3)],
        ),
        (("us", "eu/south", "eu/north/a"), (), [("eu/north/a", 0), ("eu/south", 1), ("us", 2)]),
        (("us", "asia"), (), [("us", 0), ("asia", 0)]),
        (("asia", "us", "eu/north"), (("eu", "us"),), [("eu/north", 0), ("us", 1), ("asia", 2)]),
        (("asia", "us"), (("asia", "us"),), [("asia", 0), ("us", 0)]),
        (("", "eu/north/a"), (), [("eu/north/a", 0), ("", 1)]),
        ((), (), []),
    ],
)
def test_near_localities_are_used_first(localities, failover, expected):
    """The same sub-zone, zone, region, then others; where a region fails over to another, that one is before the rest. No gaps in priorities."""
    assert expected == priorities(arrange(places(*localities), {}, LocalityLb(failover=failover), HERE))


@pytest.mark.parametrize(
    ("distribute", "expected"),
    [
        ([("eu/north/a", [("eu/north/*", 80), ("us/*", 20)])], {"eu/north/a": 80, "us": 20}),
        ([("eu/north/*", [("eu/*", 60), ("us", 40)])], {"eu/north/a": 15, "eu/south": 45, "us": 40}),
        ([("*", [("us", 100)])], {"us": 100}),
        ([("us/*", [("us", 100)]), ("eu/*", [("eu/south", 100)])], {"eu/south": 100}),
        ([("eu/*", [("eu/south", 100)]), ("*", [("us", 100)])], {"eu/south": 100}),
        ([("eu/*", [("eu/south", 10), ("eu/*", 90)])], {"eu/north/a": 90, "eu/south": 10}),
        ([("eu/*", [("asia", 50), ("us", 50)])], {"us": 50}),
        ([("eu/north/b", [("us", 100)])], {"eu/north/a": 1, "eu/south": 3, "us": 2}),
    ],
)
def test_shares_are_handed_out(distribute, expected):
    """The first source that covers this machine counts; within a share, weights do. A locality without a share gets nothing, nor do absent ones."""
    setting = LocalityLb(distribute=tuple((source, tuple(shares)) for source, shares in distribute))
    found = arrange(places(("eu/north/a", 1), ("eu/south", 3), ("us", 2)), {}, setting, HERE)
    assert expected == {str(place.locality): place.weight for place in found}
    assert {0} == {place.priority for place in found}


def test_a_small_share_is_not_nothing():
    """Envoy takes no weight of 0."""
    setting = LocalityLb(distribute=(("*", (("eu/*", 1), ("us", 99))),))
    found = arrange(places(("eu/north", 1), ("eu/south", 999), ("us", 1)), {}, setting, HERE)
    assert [("eu/north", 1), ("eu/south", 1), ("us", 99)] == [(str(place.locality), place.weight) for place in found]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("version",), [("v1", 0), ("v1 7", 0), ("7", 1), ("", 1)]),
        (("version", "rack"), [("v1 7", 0), ("v1", 1), ("7", 2), ("", 2)]),
        (("rack", "version"), [("v1 7", 0), ("7", 1), ("v1", 2), ("", 2)]),
        (("version=v2", "rack"), [("v1", 0), ("v1 7", 0), ("7", 0), ("", 0)]),
        (("rack=7",), [("v1 7", 0), ("7", 0), ("v1", 1), ("", 1)]),
    ],
)
def test_labels_decide_where_they_are_asked_for(wanted, expected):
    """They are compared from the first on, with this machine's or with a value; the first that differs ends it."""
    said = {"v1": {"version": "v1"}, "v1 7": {"version": "v1", "rack": "7"}, "7": {"rack": "7"}, "": {}}
    endpoints = {name: Endpoint(f"10.0.0.{number}", 80, workload=name) for number, name in enumerate(said)}
    labels = {endpoints[name]: found for name, found in said.items()}
    place = LocalityEndpoints(OWN, tuple(endpoints.values()), weight=4)
    found = arrange([place], labels, LocalityLb(failover_priority=wanted), HERE)
    assert expected == [(endpoint.workload, part.priority) for part in found for endpoint in part.endpoints]
    assert [len(part.endpoints) for part in found] == [part.weight for part in found]


def test_labels_split_each_locality():
    """Parts of one priority keep their localities."""
    north, south = places("eu/north", "eu/south")
    setting = LocalityLb(failover_priority=("version",))
    found = arrange([north, south], {south.endpoints[0]: {"version": "v1"}}, setting, HERE)
    assert [("eu/south", 0), ("eu/north", 1)] == priorities(found)


@pytest.mark.parametrize(
    ("own", "expected"),
    [(None, "topology.kubernetes.io/zone"), (FAILOVER, ""), (LocalityLb(enabled=False), ""), (SHARES, "shares")],
)
def test_a_rule_goes_before_what_a_service_says_of_itself(own, expected):
    """And that before the mesh's setting."""
    near = mesh_service(service("web", port(80), traffic_distribution="PreferClose"))
    here = attrs.evolve(HERE, mesh=attrs.evolve(HERE.mesh, locality_lb=LocalityLb(enabled=False)))
    setting = locality_setting(target(near, TrafficPolicy(LoadBalancer(locality=own))), here)
    assert expected == ("" if setting is None else setting.failover_priority[-1] if setting.failover_priority else "shares")
