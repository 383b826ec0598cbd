"""exportTo."""

import attrs
import pytest

from meshd.compile.visibility import EXPORT_TO, EXPORTED, PRIVATE, PUBLIC, export_to, find_visibility
from tests.helpers.services import mesh, service
from tests.helpers.traffic import entry


def seen(found, settings=None):
    """Give how a resource of the namespace `shop` is seen from there, and from `bank`."""
    exported = export_to(found, settings or mesh())
    return [find_visibility(exported, "shop", namespace) for namespace in ("shop", "bank")]


@pytest.mark.parametrize(
    ("text", "own", "other"),
    [
        (None, PUBLIC, PUBLIC),
        ("", PUBLIC, PUBLIC),
        ("*", PUBLIC, PUBLIC),
        (".", PRIVATE, None),
        ("~", None, None),
        ("~,*", PUBLIC, PUBLIC),
        ("~,.", None, None),
        ("bank", None, EXPORTED),
        ("shop", PRIVATE, None),
        (" bank , . ", PRIVATE, EXPORTED),
        ("nowhere", None, None),
        (",,", None, None),
    ],
)
def test_who_sees_a_service(text, own, other):
    """Its own namespace sees it only if it is named, too."""
    annotations = {} if text is None else {EXPORT_TO: text}
    assert [own, other] == seen(service("web", namespace="shop", annotations=annotations))


def test_a_label_says_it_too():
    """A label cannot hold `*`, but names."""
    found = service("web", namespace="shop")
    assert [None, EXPORTED] == seen(attrs.evolve(found, metadata=attrs.evolve(found.metadata, labels={EXPORT_TO: "bank"})))


@pytest.mark.parametrize(
    ("exported", "own", "other"),
    [
        ((), PUBLIC, PUBLIC),
        (("*",), PUBLIC, PUBLIC),
        ((".",), PRIVATE, None),
        (("shop",), PRIVATE, None),
        (("bank",), None, EXPORTED),
        ((".", "bank"), PRIVATE, EXPORTED),
        (("~",), None, None),
    ],
)
def test_who_sees_a_service_entry(exported, own, other):
    """Its field says it; annotations do not count there."""
    found = entry("a", namespace="shop", export_to=exported)
    assert [own, other] == seen(attrs.evolve(found, metadata=attrs.evolve(found.metadata, annotations={EXPORT_TO: "~"})))


@pytest.mark.parametrize("kind", [service, entry])
@pytest.mark.parametrize(("default", "own", "other"), [
    ((".",), PRIVATE, None), ((".", "*"), PRIVATE, None), (("~",), None, None), (("bank",), None, EXPORTED),
])
def test_the_mesh_has_a_default(kind, default, own, other):
    """It counts for services that say nothing; of what it names, `.` wins, unlike in a service's own word."""
    settings = mesh(default_service_export_to=default)
    assert [own, other] == seen(kind("web", namespace="shop"), settings)
    loud = {"annotations": {EXPORT_TO: "*"}} if kind is service else {"export_to": ("*",)}
    assert [PUBLIC, PUBLIC] == seen(kind("web", namespace="shop", **loud), settings)
