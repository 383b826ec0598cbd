"""Reading metadata, and the order of age."""

import pytest

from meshd.base.origins import Origin
from meshd.model.checks import label_name
from meshd.model.metadata import Metadata, read_metadata
from meshd.model.reading import Fields, Report
from tests.helpers.resources import complaint


def read(namespaced: bool = True, **values: object) -> tuple[Metadata, list[str]]:
    """Return metadata and what is wrong with it."""
    report = Report(Origin("a.yaml", 3, "Service"), lambda path: 0)
    metadata = read_metadata(Fields(values, ("metadata",), report), namespaced=namespaced, check_name=label_name)
    return metadata, [complaint(problem) for problem in report.problems]


def test_reads_metadata():
    """Every field that is kept; those that mean nothing to a mesh are silent."""
    metadata, complaints = read(
        name="web", namespace="shop", labels={"app": "web"}, annotations={"networking.istio.io/exportTo": "."},
        creationTimestamp="2026-01-02T03:04:05Z", uid="1", resourceVersion="7", managedFields=[], generateName="web-",
    )  # fmt: skip
    origin = Origin("a.yaml", 3, "Service", "shop", "web")
    assert [] == complaints
    assert Metadata("web", origin, "shop", {"app": "web"}, {"networking.istio.io/exportTo": "."}, "2026-01-02T03:04:05Z") == metadata


def test_namespaces_are_given_and_refused():
    """Without one it is `default`; a kind without namespaces has none."""
    assert "default" == read(name="web")[0].namespace
    metadata, complaints = read(namespaced=False, name="web", namespace="shop")
    assert "" == metadata.namespace
    assert ["warning 0 metadata.namespace: expected no namespace, this kind has none; remove it"] == complaints


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "error 0 metadata.name: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got nothing"),
        ({"name": 7}, "error 0 metadata.name: expected text, got the number 7; quote it"),
        ({"name": "a", "namespace": "A"}, "error 0 metadata.namespace: expected a name of lower-case letters, digits and '-' "
         "(RFC 1123 label, at most 63 characters), got 'A'"),
        ({"name": "a", "labels": {"b": "-"}}, "error 0 metadata.labels.b: expected at most 63 letters, digits, '-', '_' and '.', "
         "with a letter or digit first and last, got '-'"),
        ({"name": "a", "label": {}}, "warning 0 metadata.label: expected a known field, got label, which is ignored; did you mean labels?"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(values, expected):
    """As Kubernetes would refuse it."""
    assert [expected] == read(**values)[1]


def test_orders_by_age():
    """Oldest first; those without an age come before, by name."""
    origin = Origin("a")
    made = [Metadata("b", origin, "x", created="2026"), Metadata("b", origin, "x"), Metadata("a", origin, "z"), Metadata("a", origin, "x")]
    assert [3, 2, 1, 0] == [made.index(found) for found in sorted(made, key=lambda metadata: metadata.age_key)]
