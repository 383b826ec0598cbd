"""WorkloadEntries made of a group and a machine's word."""

import attrs
import pytest

from meshd.base.locality import Locality
from meshd.model.checks import subdomain_name
from meshd.model.paths import no_lines
from meshd.model.reading import Fields, Report
from meshd.model.workload_entry import Workload
from meshd.model.workload_group import Probe, WorkloadGroup, read_probe
from meshd.registry.entries import compose_entry, entry_name, health_status, probe_json, taken_labels
from meshd.registry.statement import Statement
from tests.helpers.services import metadata

TEMPLATE = Workload("", {"http": 8080}, {"app": "web", "tier": "a"}, "n0", Locality("eu"), 3, "web")
GROUP = WorkloadGroup(metadata("WorkloadGroup", "web", "shop"), TEMPLATE, {"tier": "b"}, {"note": "x"}, Probe("tcp", port=8080))
SAID = Statement("shop", "web", "10.0.0.1", labels={"version": "v1", "app": "db"}, instance="i", run="r")


@pytest.mark.parametrize(
    ("group", "address", "network", "expected"),
    [
        ("web", "10.0.0.1", "", "web-10.0.0.1"),
        ("web", "10.0.0.1", "n1", "web-10.0.0.1-n1"),
        ("web", "FD00::1", "", "web-fd00--1"),
        ("web", "::ffff:10.0.0.1", "", "web-10.0.0.1"),
    ],
)
def test_names_are_istios(group, address, network, expected):
    """The group, the address, the network."""
    assert expected == entry_name(group, address, network)


@pytest.mark.parametrize(("group", "network"), [("w" * 250, ""), ("web", "Net_1"), ("web", "x" * 300), ("web", "n/../../x"), ("web", "-")])
def test_what_would_be_no_name_is_made_one(group, network):
    """Which is another one for another machine."""
    first, second = entry_name(group, "10.0.0.1", network), entry_name(group, "10.0.0.2", network)
    assert ("", "", True) == (subdomain_name(first), subdomain_name(second), first != second)


def test_an_entry_is_the_groups_template_at_the_machines_address():
    """As Istio makes them; health counts, since the group asks for it."""
    labels = {"app": "web"}
    assert {
        "apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
        "metadata": {
            "name": "web-10.0.0.1", "namespace": "shop", "labels": labels,
            "annotations": {"note": "x", "c": "d", "istio.io/autoRegistrationGroup": "web", "proxy.istio.io/health-checks-enabled": "true"},
        },
        "spec": {
            "address": "10.0.0.1", "ports": {"http": 8080}, "labels": labels, "network": "n0", "locality": "eu", "serviceAccount": "web", "weight": 3,
        },
    } == compose_entry(GROUP, SAID, labels, {"c": "d"})  # fmt: skip


def test_what_a_machine_says_of_its_place_goes_before_the_template():
    """And a health that it looks after by itself counts, too."""
    bare = attrs.evolve(GROUP, template=Workload("", network="n0"), probe=None)
    made = compose_entry(bare, attrs.evolve(SAID, network="n1", locality="us/b", health="unknown"), {}, {})
    assert {"address": "10.0.0.1", "labels": {}, "network": "n1", "locality": "us/b"} == made["spec"]
    assert "proxy.istio.io/health-checks-enabled" in made["metadata"]["annotations"]
    assert "proxy.istio.io/health-checks-enabled" not in compose_entry(bare, SAID, {}, {})["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("permitted", "expected"),
    [
        ((), {"app": "web", "tier": "b"}),
        (("version",), {"app": "web", "tier": "b", "version": "v1"}),
        (None, {"app": "db", "tier": "b", "version": "v1"}),
    ],
)
def test_a_machine_says_only_the_labels_that_it_may(permitted, expected):
    """Else it could be chosen for a service that is not its own."""
    assert expected == taken_labels(GROUP, SAID.labels, permitted)


def test_health_is_a_condition():
    """As Istio has it; before there is an answer there is none."""
    assert [{}, {}] == [health_status(attrs.evolve(SAID, health=word), "now") for word in ("unchecked", "unknown")]
    condition = {"type": "Healthy", "status": "True", "lastProbeTime": "now", "lastTransitionTime": "now"}
    assert {"conditions": [condition]} == health_status(attrs.evolve(SAID, health="healthy"), "now")
    unwell = attrs.evolve(SAID, health="unhealthy", reason="refused")
    assert {"conditions": [{**condition, "status": "False", "message": "refused"}]} == health_status(unwell, "now")


@pytest.mark.parametrize("probe", [
    Probe("http", "h", 80, "/x", "HTTPS", (("A", "b"),), initial_delay=1.0, timeout=2.0, period=3.0, success_threshold=4, failure_threshold=5),
    Probe("tcp", "h", 80), Probe("grpc", port=80, service="s"),
])
def test_probes_travel(probe):
    """Nothing is lost."""
    found = probe_json(probe)
    assert found is not None
    assert probe == read_probe(Fields(found, (), Report(GROUP.metadata.origin, no_lines)))


def test_commands_do_not_travel():
    """Nobody runs them on another machine."""
    assert [None, None] == [probe_json(None), probe_json(Probe("exec", command=("a",)))]
