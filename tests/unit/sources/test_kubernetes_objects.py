"""Objects of an API server that wait to be read."""

import pytest

from meshd.sources import kubernetes_objects
from meshd.sources.kubernetes_objects import ROOM, Unit, Unread, kind_name, read_object
from meshd.sources.watch_events import Event
from tests.helpers.fake_api_server import service


def event(name="a", version=3, size=100):
    """Give the event of a Service."""
    return Event("changed", ("default", name), str(version), f"{version}/u", service(name, version), size)


def unit(name="a"):
    """Give the unit of a Service."""
    return Unit("", "Service", ("default", name))


def test_units_are_named_for_people():
    """As explain quotes them; with the API group only where several have a kind of that name."""
    assert "kubernetes/Service/default/a" == unit().name
    assert "kubernetes/Namespace/n" == Unit("", "Namespace", ("", "n")).name
    assert "kubernetes/Gateway.networking.istio.io/default/a" == Unit("networking.istio.io", "Gateway", ("default", "a")).name
    assert "VirtualService" == kind_name("networking.istio.io", "VirtualService")


def test_reads_an_object_as_a_document():
    """With its unit as the place that it comes from."""
    draft = read_object(service("a", 3), unit().name)
    assert "kubernetes/Service/default/a (Service default/a)" == str(draft.origin)
    assert (False, 1) == (draft.rejected, len(draft.resources))
    assert draft.identity is not None


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_texts_that_no_text_can_hold_are_a_fault(text):
    """JSON can escape half a character, and NUL."""
    body = service("a", 3)
    body["metadata"]["labels"] = {"x": text}
    draft = read_object(body, unit().name)
    assert draft.rejected
    assert "metadata.labels.x" == draft.problems[0].field


def test_texts_that_only_look_like_escapes_are_none():
    """A text may speak of them."""
    body = service("a", 3)
    body["metadata"]["annotations"] = {"x": "\\u0000 \u20ac"}
    assert 1 == len(read_object(body, unit().name).resources)


def test_reads_the_newest_version_of_each():
    """In the order in which they began to wait."""
    found = []
    unread = Unread(lambda *read: found.append(read))
    unread.take(unit("a"), event("a", 3))
    unread.take(unit("b"), event("b", 4))
    unread.take(unit("a"), event("a", 5))
    unread.take(unit("b"), None)
    assert 2 == len(unread)
    unread.read()
    unread.read()
    assert [("a", "5"), ("b", None)] == [(what.key[1], one.version if one else None) for what, one, _draft in found]
    assert 0 == len(unread)


def test_reads_at_once_where_too_much_waits(monkeypatch):
    """So that memory is bounded, however fast a server sends."""
    monkeypatch.setattr(kubernetes_objects, "MAX_WAITING", 250)
    found = []
    unread = Unread(lambda *read: found.append(read[0].key[1]))
    for name in "abcd":
        unread.take(unit(name), event(name))
    assert (["a", "b"], 2) == (found, len(unread))
    for version in range(4, 100):
        unread.take(unit("d"), event("d", version))
    assert (["a", "b"], 2) == (found, len(unread))


def test_has_room_for_a_page_while_few_wait():
    """Pages are asked for as they are read."""
    unread = Unread(lambda *read: None)
    assert unread.has_room()
    for number in range(ROOM):
        unread.take(unit(str(number)), event(str(number)))
    assert not unread.has_room()
    unread.clear()
    assert unread.has_room()
