"""Tests of finding workloads by label."""

from meshd.analyze.workloads import WorkloadIndex
from meshd.model.world import World
from tests.helpers.analysis import node, pod
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import istio

WORLD = World().changed(resources_of("\n---\n".join((
    pod("one", "app: web, version: v1"), pod("two", "app: web", "other"), node("edge", "app: edge", ", gateway: true"),
    istio("WorkloadEntry", "vm", "address: 10.0.0.1, labels: {app: web, version: v2}"),
))))


def chosen(selector, namespace=""):
    """Give `kind name` of what is chosen."""
    return [f"{workload.kind} {workload.name}" for workload in WorkloadIndex(WORLD).select(selector, namespace)]


def test_selects_by_all_labels():
    """Pods, WorkloadEntries and Nodes with every label, in a namespace or in all."""
    assert ["Pod one", "Pod two", "WorkloadEntry vm"] == chosen({"app": "web"})
    assert ["Pod one", "WorkloadEntry vm"] == chosen({"app": "web"}, "default")
    assert ["WorkloadEntry vm"] == chosen({"app": "web", "version": "v2"}, "default")
    assert [] == chosen({"app": "web", "version": "v3"})


def test_an_empty_selector_chooses_all():
    """Of the namespace, or of all."""
    assert ["Pod two"] == chosen({}, "other")
    assert 4 == len(chosen({}))
    assert [] == chosen({}, "nowhere")


def test_knows_edge_proxies():
    """A Node tells whether it is one."""
    assert [True] == [workload.gateway for workload in WorkloadIndex(WORLD).select({"app": "edge"})]
