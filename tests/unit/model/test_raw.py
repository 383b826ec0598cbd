"""Documents as they are written."""

import pytest

from meshd.base.origins import Origin
from meshd.model.raw import items_at, mapping_of, read_raw, value_at

BODY = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"a": "b", "c": 1, 2: "d"}},
    "spec": {"containers": [{"name": "x"}, 7, {"name": "y"}], "other": "text"},
}


def test_what_a_document_is():
    """Its group, kind and place; its namespace is the usual one."""
    raw = read_raw(BODY, Origin("a.yaml", 3, "Deployment"))
    assert ("apps", "Deployment", "a.yaml:3 (Deployment default/web)") == (raw.group, raw.kind, str(raw.origin))
    assert ({"a": "b"}, "text") == (raw.texts("metadata", "labels"), raw.at("spec", "other"))


@pytest.mark.parametrize("body", [
    None, [], "x", {}, {"kind": "A"}, {"apiVersion": "v1", "kind": "A"}, {"apiVersion": 1, "kind": 2, "metadata": {"name": 3}},
])
def test_what_is_no_document(body):
    """It is left to its reader to say why."""
    assert read_raw(body, Origin("a.yaml")) is None


@pytest.mark.parametrize(("path", "expected"), [
    (("spec", "other"), "text"), (("spec", "none"), None), (("spec", "other", "deeper"), None), (("none", "at", "all"), None),
])
def test_values(path, expected):
    """None where there is no such thing, whatever stands in its place."""
    assert expected == value_at(BODY, *path)


def test_items():
    """Mappings alone, each with its path."""
    assert [(("spec", "containers", 0), {"name": "x"}), (("spec", "containers", 2), {"name": "y"})] == list(items_at(BODY, "spec", "containers"))
    assert [] == list(items_at(BODY, "spec", "other"))
    assert {} == mapping_of([1])
