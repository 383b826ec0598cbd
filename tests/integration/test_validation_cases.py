"""Istio's own table of resources that are valid and that are not, held against what meshd says of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from meshd.model.kinds import KINDS
from meshd.sources.drafts import read_all
from tests.helpers.resources import complaint

CASES = Path(__file__).parents[3] / "shared" / "cases" / "validation"
DIFFERENT = {
    "validation/TestValidateHTTPDirectResponse/008": "its body's bytes are no base64: the Go test fills in 102,401 bytes themselves",
}
"""Rows that meshd judges otherwise, by their reasons."""
NOT_WARNED_OF = {
    "validation/TestValidateVirtualService/021": "a rule that is never reached is the business of an analysis of all resources",
}

pytestmark = pytest.mark.skipif(not CASES.joinpath("README.md").exists(), reason="needs the conformance cases in ../shared beside the checkout")


def is_read(resource: dict[str, object]) -> bool:
    """Tell whether meshd reads a resource's kind."""
    return (str(resource["apiVersion"]).rpartition("/")[0], str(resource["kind"])) in KINDS


def rows() -> Iterator[object]:
    """Yield the rows of Istio's tables for kinds that are read."""
    for file in sorted(CASES.glob("*.yaml")):
        for row in yaml.load(file.read_bytes(), yaml.CSafeLoader):
            if is_read(row["resource"]) and not row.get("skip"):
                yield pytest.param(row, id=f"{row['id']} {row['name']}")


def documents() -> Iterator[object]:
    """Yield the documents that the schemas of Kubernetes judge, for kinds that are read."""
    for file in sorted(CASES.glob("crds/*.yaml")):
        for number, text in enumerate(file.read_text().split("\n---")):
            body = yaml.safe_load(text.removeprefix("---"))
            if body and is_read(body):
                body.pop("_err", None)
                yield pytest.param(body, file.stem.endswith("-valid"), id=f"{file.stem} {number} {body['metadata']['name']}")


def judge(resource: object) -> tuple[bool, list[str]]:
    """Tell whether a resource can be used, and all that is said of it."""
    [draft] = read_all(json.dumps(resource).encode(), "a.json")
    assert draft.rejected != bool(draft.resources)
    return not draft.rejected, [complaint(problem) for problem in draft.problems]


@pytest.mark.parametrize("row", list(rows()))
def test_judges_as_istio_does(row):
    """Valid or not; where Istio warns, something is said."""
    valid, said = judge(row["resource"])
    assert (valid == row["valid"]) != (row["id"] in DIFFERENT), said
    if row.get("warning") and row["valid"] and row["id"] not in NOT_WARNED_OF:
        assert said


@pytest.mark.parametrize(("body", "expected"), list(documents()))
def test_judges_as_the_schemas_do(body, expected):
    """What the API server would let in."""
    valid, said = judge(body)
    assert expected == valid, said


def test_differences_are_of_rows():
    """None is named that is gone."""
    found = {row.values[0]["id"] for row in rows()}
    assert {} == {name: reason for name, reason in {**DIFFERENT, **NOT_WARNED_OF}.items() if name not in found}
