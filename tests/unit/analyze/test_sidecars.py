"""Tests of Sidecars that choose nothing, or the same workload."""

from meshd.analyze.sidecars import find_general_sidecars, find_sidecar_selectors
from tests.helpers.analysis import found, node, pod
from tests.helpers.small_worlds import istio


def sidecar(name, labels="", namespace="default"):
    """Write a Sidecar."""
    selector = f"workloadSelector: {{labels: {{{labels}}}}}, " if labels else ""
    return istio("Sidecar", name, f"{selector}egress: [{{hosts: ['./*']}}]", namespace=namespace)


def test_finds_selectors_that_choose_nothing():
    """In their own namespace."""
    world = (pod("web", "app: web"), node("machine", "app: vm"), sidecar("one", "app: web"), sidecar("vm", "app: vm"))
    assert [
        'IST0101 far 9 spec.workloadSelector: Referenced selector not found: "app=web"',
    ] == found(find_sidecar_selectors, *world, sidecar("far", "app: web", "other"))


def test_finds_two_for_one_workload():
    """By the same labels or by others."""
    said = (
        'spec.workloadSelector: The Sidecars [one two] in namespace "default" select the same workload pod "web", '
        "which can lead to undefined behavior."
    )
    world = (pod("web", "app: web, zone: a"), sidecar("one", "app: web"), sidecar("two", "zone: a"))
    assert [f"IST0110 one 3 {said}", f"IST0110 two 5 {said}"] == found(find_sidecar_selectors, *world)


def test_finds_several_for_a_whole_namespace():
    """Another namespace's does not count."""
    said = ': The Sidecars [one two] in namespace "default" have no workload selector, which can lead to undefined behavior.'
    assert [f"IST0111 one 1 {said}", f"IST0111 two 3 {said}"] == found(
        find_general_sidecars, sidecar("one"), sidecar("two"), sidecar("three", namespace="other"), sidecar("four", "app: web"),
    )
