"""exportTo."""

import attrs
import pytest

from meshd.compile.visibility import EXPORT_TO, EXPORTED, PRIVATE, PUBLIC, find_visibility
from tests.helpers.services import mesh, service


@pytest.mark.parametrize(
    ("export_to", "own", "other"),
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
def test_who_sees_a_service(export_to, own, other):
    """Its own namespace sees it only if it is named, too."""
    annotations = {} if export_to is None else {EXPORT_TO: export_to}
    found = service("web", namespace="shop", annotations=annotations)
    assert [own, other] == [find_visibility(found, namespace, mesh()) for namespace in ("shop", "bank")]


def test_a_label_says_it_too():
    """A label cannot hold `*`, but names."""
    found = service("web", namespace="shop")
    found = attrs.evolve(found, metadata=attrs.evolve(found.metadata, labels={EXPORT_TO: "bank"}))
    assert [None, EXPORTED] == [find_visibility(found, namespace, mesh()) for namespace in ("shop", "bank")]


@pytest.mark.parametrize(("default", "own", "other"), [
    ((".",), PRIVATE, None), ((".", "*"), PRIVATE, None), (("~",), None, None), (("bank",), None, EXPORTED),
])
def test_the_mesh_has_a_default(default, own, other):
    """It counts for services that say nothing; of what it names, `.` wins, unlike in a service's own word."""
    settings = mesh(default_service_export_to=default)
    quiet, loud = service("web", namespace="shop"), service("web", namespace="shop", annotations={EXPORT_TO: "*"})
    assert [own, other] == [find_visibility(quiet, namespace, settings) for namespace in ("shop", "bank")]
    assert PUBLIC == find_visibility(loud, "bank", settings)
