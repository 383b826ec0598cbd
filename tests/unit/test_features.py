"""The page of features says what readers do now, and names tests that are there."""

import pytest

from meshd.model.kinds import KINDS
from tests.features.fields import all_fields
from tests.features.page import PAGE, build_page, read_documents, read_evidence
from tests.helpers.source_tree import ROOT


@pytest.fixture(scope="module")
def fields():
    """Give every field of every kind."""
    return all_fields(read_documents())


def test_the_page_is_current(fields):
    """Mended by `python -m tests.features --write`."""
    assert build_page(fields, read_evidence()) == PAGE.read_text()


def test_every_field_is_in_a_document(fields):
    """Otherwise nobody knows what its author is told: tests/features/documents.yaml wants it."""
    assert [] == [field.path for field in fields if not field.is_present and not field.told]


def test_every_kind_has_fields(fields):
    """Or, as a Namespace, has none."""
    assert {kind for _, kind in KINDS} - {"Namespace"} <= {field.path.split(".")[0] for field in fields}


def test_evidence_is_of_fields_that_are_there(fields):
    """What a witness shows, and what tables name."""
    paths = {field.path for field in fields}
    evidence = read_evidence()
    assert [] == sorted({name.removesuffix(".*") for name in (*evidence.witnesses, *evidence.differences)} - paths)
    assert [] == [prefix for prefix in evidence.tests if not any(f"{path}.".startswith(f"{prefix}.") for path in paths)]


def test_evidence_is_there(fields):
    """Every field has some, and each file that is named exists."""
    evidence = read_evidence()
    assert [] == [field.path for field in fields if not evidence.of(field.path)]
    assert [] == [name for name in evidence.tests.values() if not ROOT.joinpath(name).is_file()]
