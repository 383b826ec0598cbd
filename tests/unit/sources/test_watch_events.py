"""Lines of a watch to events."""

import json

import pytest

from meshd.sources.watch_events import APPLIED, Event, later, read_item, read_kept, read_line
from tests.helpers.fake_api_server import added, bookmark, error, service


def read(value: object, kind: str = "Service") -> object:
    """Read a value as a line of a watch for services."""
    return read_line(value if isinstance(value, bytes) else json.dumps(value).encode(), kind)


def test_reads_objects_without_what_nobody_reads():
    """Who owns which field, and kubectl's copy of the whole, are longer than the object."""
    body = service("a", 3)
    body["metadata"]["annotations"] = {APPLIED: "{}", "mine": "x"}
    event = read(added(body))
    assert isinstance(event, Event)
    assert ("changed", ("default", "a"), "3", "3/u") == (event.type, event.key, event.version, event.identity)
    assert {"name": "a", "namespace": "default", "uid": "u", "resourceVersion": "3", "annotations": {"mine": "x"}} == event.body["metadata"]
    assert len(json.dumps(added(body))) == event.size


def test_reads_objects_without_a_namespace():
    """Of cluster-wide kinds."""
    body = {"kind": "Namespace", "metadata": {"name": "n", "resourceVersion": "4"}}
    event = read({"type": "DELETED", "object": body}, "Namespace")
    assert isinstance(event, Event)
    assert ("deleted", ("", "n")) == (event.type, event.key)


def test_reads_bookmarks_and_errors():
    """Both are no objects."""
    assert Event("bookmark", version="9") == read(bookmark(9))
    assert Event("end of list", version="9") == read(bookmark(9, ends=True))
    found = read(error(410))
    assert isinstance(found, Event)
    assert ("error", 410) == (found.type, found.body["code"])


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"", "a line that is no JSON"),
        (b"{", "a line that is no JSON"),
        (b"\xff\xfe{}", "a line that is no JSON"),
        (b"[" * 100_000, "a line that is no JSON"),
        (b'{"type": "ADDED", "object": {"kind": "Service", "x": NaN}}', "a line that is no JSON"),
        (b'{"type": "ADDED", "object": {"kind": "Service", "x": ' + b"9" * 5000 + b"}}", "a line that is no JSON"),
        ([], "a line that is no event"),
        ({"type": "ADDED"}, "a line that is no event"),
        ({"type": "ADDED", "object": []}, "a line that is no event"),
        ({"type": ["ADDED"], "object": {}}, "an event of an unknown type"),
        ({"object": {}}, "an event of an unknown type"),
        (added({"kind": "Pod"}), "an object of another kind"),
        ({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "9"}}}, "an object of another kind"),
        (added({"kind": "Service"}), "an object without metadata"),
        (added({"kind": "Service", "metadata": []}), "an object without metadata"),
        (added({"kind": "Service", "metadata": {"resourceVersion": "9"}}), "an object without metadata"),
        (added({"kind": "Service", "metadata": {"name": "a"}}), "an object without metadata"),
        (added({"kind": "Service", "metadata": {"name": 3, "resourceVersion": "9"}}), "an object without metadata"),
        (added({"kind": "Service", "metadata": {"name": "a", "namespace": {}, "resourceVersion": "9"}}), "an object without metadata"),
        ({"type": "BOOKMARK", "object": {"kind": "Service"}}, "an object without metadata"),
        (bookmark(""), "an object without metadata"),
    ],
)
def test_names_what_is_wrong(value, fault):
    """Each fault has a name; nothing is raised."""
    assert fault == read(value)


def test_items_of_lists_are_told_what_they_are():
    """Kubernetes says it once for the whole list."""
    body = {"metadata": {"name": "a", "namespace": "default", "resourceVersion": "3"}}
    event = read_item(body, "v1", "Service")
    assert isinstance(event, Event)
    assert ("v1", "Service") == (event.body["apiVersion"], event.body["kind"])
    assert "an object of another kind" == read_item({**body, "kind": "Pod"}, "v1", "Service")
    assert "an object without metadata" == read_item(None, "v1", "Service")


def test_reads_what_was_kept():
    """As it was, or not at all."""
    event = read_kept(json.dumps(service("a", 3)).encode(), "Service")
    assert event is not None
    assert ("kept", ("default", "a"), "3/u") == (event.type, event.key, event.identity)
    assert read_kept(b"{", "Service") is None
    assert read_kept(json.dumps(service("a", 3)).encode(), "Pod") is None


@pytest.mark.parametrize(
    ("version", "than", "expected"),
    [("10", "9", True), ("9", "10", False), ("9", "9", False), ("10", "", True), ("x", "9", True), ("x", "x", False), ("\u0663", "9", True)],
)
def test_compares_versions(version, than, expected):
    """As numbers of any length; what is no number is later if it differs."""
    assert expected == later(version, than)
