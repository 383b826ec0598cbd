"""Telemetries that Istio would not know what to do with."""

from meshd.analyze.telemetries import find_conflicting_telemetries, find_empty_providers, find_general_telemetries
from tests.helpers.analysis import found, pod, resource


def telemetry(name, spec="", namespace="default"):
    """Write one."""
    return resource("telemetry.istio.io/v1", "Telemetry", name, spec, namespace)


def test_finds_logs_without_providers():
    """The first of a resource."""
    spec = "accessLogging: [{providers: [{name: envoy}]}, {filter: {expression: a}}, {}]"
    assert ['IST0157 t 1 spec.accessLogging[1]: The Telemetry t in namespace "default" with empty providers will be ignored.'] == found(
        find_empty_providers, telemetry("t", spec), telemetry("u", "metrics: [{}]"))


def test_finds_several_for_all_workloads():
    """Of a namespace."""
    documents = (telemetry("a"), telemetry("b"), telemetry("c", "selector: {matchLabels: {a: b}}"), telemetry("d", "", "other"))
    said = 'The Telemetries [a b] in namespace "default" have no workload selector, which can lead to undefined behavior.'
    assert [f"IST0160 a 1 : {said}", f"IST0160 b 3 : {said}"] == found(find_general_telemetries, *documents)


def test_finds_those_for_the_same_workload():
    """Once each, however many workloads it is."""
    chosen = "selector: {matchLabels: {app: web}}"
    documents = (telemetry("a", chosen), telemetry("b", chosen), telemetry("c", chosen, "other"), pod("w1", "app: web"), pod("w2", "app: web"))
    said = 'The Telemetries [a b] in namespace "default" select the same workload pod "w1", which can lead to undefined behavior.'
    assert [f"IST0159 a 1 spec.selector: {said}", f"IST0159 b 3 spec.selector: {said}"] == found(find_conflicting_telemetries, *documents)
