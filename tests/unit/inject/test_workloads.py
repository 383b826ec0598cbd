"""Documents of workloads."""

import copy

import pytest

from meshd.base.origins import Origin
from meshd.inject.workloads import TEMPLATES, Injector
from meshd.sources.rewriting import read_mapping
from tests.helpers.pods import SETTINGS, pod

ORIGIN = Origin("a.yaml", 1)
INJECTOR = Injector(SETTINGS, read_mapping)
CONTAINERS = [{"name": "app", "image": "nginx"}]


def workload(group, kind, path):
    """Give a workload of a kind."""
    body = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": CONTAINERS}}
    for part in reversed(path):
        body = {part: body}
    head = {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind}
    if path:
        return {**head, "metadata": {"name": "web", "namespace": "shop"}, **body}
    return {**head, **body}


@pytest.mark.parametrize(("group", "kind", "path"), [(*key, path) for key, path in TEMPLATES.items()])
def test_every_kind(group, kind, path):
    """The pod within gets a sidecar, and the document that was given stays as it was."""
    given = workload(group, kind, path)
    before = copy.deepcopy(given)
    found = INJECTOR.inject(given, ORIGIN)
    inner = found.body
    for part in path:
        inner = inner[part]
    assert (["app", "istio-proxy"], before) == ([one["name"] for one in inner["spec"]["containers"]], given)
    assert [(True, kind)] == [(outcome.changed, outcome.origin.kind) for outcome in found.outcomes]
    assert list(before) == list(found.body)


def test_a_list():
    """Items that are workloads, and all else as it was."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    items = [service, workload("apps", "Deployment", ("spec", "template")), "x"]
    found = INJECTOR.inject({"apiVersion": "v1", "kind": "List", "items": items}, ORIGIN, lambda path: 10 * len(path))
    assert [service, "x"] == [found.body["items"][0], found.body["items"][2]]
    assert 2 == len(found.body["items"][1]["spec"]["template"]["spec"]["containers"])
    assert ["a.yaml:20 (Deployment shop/web)"] == [str(outcome.origin) for outcome in found.outcomes]


def test_a_list_of_one_kind():
    """As kubectl's server prints them; items need not name their kind."""
    item = {key: value for key, value in pod().items() if key not in ("apiVersion", "kind")}
    found = INJECTOR.inject({"apiVersion": "v1", "kind": "PodList", "items": [item]}, ORIGIN)
    assert (["metadata", "spec"], True) == (list(found.body["items"][0]), found.outcomes[0].changed)


@pytest.mark.parametrize("body", [
    {}, {"kind": "Deployment"}, {"apiVersion": "v1", "kind": "Service"}, {"apiVersion": "example.com/v1", "kind": "Deployment"},
    {"apiVersion": 1, "kind": 2}, {"kind": "List", "items": {}},
    {"kind": "List", "items": []}, {"kind": "List", "items": [{"kind": "List", "items": [1]}]},
])
def test_everything_else_is_left_alone(body):
    """The very same object comes back."""
    found = INJECTOR.inject(body, ORIGIN)
    assert ((), True) == (found.outcomes, found.body is body)


@pytest.mark.parametrize("body", [
    {"apiVersion": "apps/v1", "kind": "Deployment"}, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": [], "spec": []},
    {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": 1, "namespace": 2}, "spec": {"jobTemplate": {"spec": {"template": None}}}},
])
def test_half_a_workload(body):
    """Is told of, and stays as it is."""
    found = INJECTOR.inject(body, ORIGIN)
    assert body is found.body
    [outcome] = found.outcomes
    assert ["expected at least one container, got none"] == [problem.message for problem in outcome.problems]
    assert outcome.problems[0].field.endswith("template.spec.containers")


def test_labels_of_the_namespace():
    """Where they are known, they have their say."""
    injector = Injector(SETTINGS, read_mapping, labels_of={"shop": {"istio-injection": "disabled"}}.get)
    found = injector.inject(workload("apps", "Deployment", ("spec", "template")), ORIGIN)
    assert [(False, "the namespace's label istio-injection=disabled")] == [(one.changed, one.choice.reason) for one in found.outcomes]
    assert injector.inject(pod(), ORIGIN).outcomes[0].changed
