"""docs/injection.md tells what the code does."""

from meshd.inject.annotations import ANNOTATIONS
from meshd.inject.choice import Candidate, choose
from meshd.inject.settings import KUBERNETES_NAMESPACES, InjectSettings
from tests.helpers.source_tree import ROOT

PAGE = (ROOT / "docs" / "injection.md").read_text()


def table() -> str:
    """Give the table of annotations as the page must have it."""
    rows = [f"| `{name}` | {row.effect} |" for name, row in ANNOTATIONS.items() if row.effect]
    idle = ", ".join(f"`{name}`" for name, row in ANNOTATIONS.items() if not row.effect)
    return "\n".join(("| annotation | what it does |", "|---|---|", *rows, "", f"Without effect: {idle}."))


def test_every_annotation_is_in_the_table():
    """With its effect; the table is the code's own."""
    found = PAGE.partition("<!-- annotations -->\n")[2].partition("\n<!-- end -->")[0]
    assert table() == found


def test_namespaces_that_get_none():
    """Are all named."""
    assert [] == [name for name in KUBERNETES_NAMESPACES if f"`{name}`" not in PAGE]


def test_the_table_of_labels_is_true():
    """Each row, tried."""
    settings, inject = InjectSettings(), "sidecar.istio.io/inject"
    verdicts = [
        choose(Candidate(pod, {}, "shop", namespace), settings).inject
        for namespace, pod in (
            ({"istio-injection": "enabled"}, {}), ({"istio-injection": "enabled"}, {inject: "false"}),
            ({"istio-injection": "disabled"}, {inject: "true"}),
            ({"istio.io/rev": "default"}, {}), ({}, {inject: "true"}), ({}, {"istio.io/rev": "default"}), ({}, {}),
        )
    ]
    rows = [line.split("|")[3].strip() for line in PAGE.splitlines() if line.startswith(("| `istio", "| neither"))]
    assert [row.startswith("yes") for row in rows] == verdicts
