"""Workloads that registered themselves, as a source."""

import pytest

from meshd.model.workload_entry import WorkloadEntry
from meshd.sources.registry import RegistrySource, read_entry

ENTRY = {
    "apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
    "metadata": {"name": "web-1", "namespace": "shop"}, "spec": {"address": "10.0.0.1"},
}


def test_delivers_what_comes_and_goes():
    """A unit each."""
    told = []
    RegistrySource(told.append).take({"shop/web-1": ENTRY, "shop/web-2": None})
    [delivery] = told
    [(name, (draft,))] = delivery.files.items()
    [entry] = draft.resources
    assert isinstance(entry, WorkloadEntry)
    assert ("registry/shop/web-1.json", frozenset({"registry/shop/web-2.json"})) == (name, delivery.removed)
    assert ("10.0.0.1", "registry/shop/web-1.json:1 (WorkloadEntry shop/web-1)") == (entry.workload.address, str(entry.metadata.origin))


@pytest.mark.parametrize(
    "entry",
    [
        {**ENTRY, "kind": "ServiceEntry"},
        {**ENTRY, "apiVersion": "v1", "kind": "Node"},
        {**ENTRY, "metadata": {"name": "web-2", "namespace": "shop"}},
        {**ENTRY, "metadata": {"name": "web-1", "namespace": "bank"}},
        {"apiVersion": "v1", "kind": "List", "items": [ENTRY, ENTRY]},
        {}, [], 7, "x",
    ],
)  # fmt: skip
def test_nothing_else_is_taken_from_a_registry(entry):
    """It may not say who a machine is, or what becomes of requests."""
    drafts = read_entry("shop/web-1", entry)
    assert [((), True)] * len(drafts) == [(draft.resources, draft.rejected) for draft in drafts]
    assert drafts


def test_an_entry_with_a_fault_is_a_problem():
    """As in a file."""
    [draft] = read_entry("shop/web-1", {**ENTRY, "spec": {"address": 7}})
    assert ["expected text, got the number 7"] == [problem.message for problem in draft.problems]
