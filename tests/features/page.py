"""The page docs/features.md: what readers know, what is done with it, and which test shows it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import yaml

from meshd.model.kinds import KINDS
from tests.features.fields import ALIKE, Field, all_fields
from tests.helpers import networking
from tests.helpers.source_tree import ROOT

HERE = Path(__file__).parent
WITNESSES = ROOT / "tests" / "integration" / "witness"
PAGE = ROOT / "docs" / "features.md"
HEAD = """\
# What meshd does of each field

Written by `python -m tests.features --write` from what the readers ask for and say, from the witness suite's tables
(`tests/integration/witness`) and from `tests/features/evidence.yaml`; a unit test fails when it is stale. *Witness* names cases that are played
through meshd and through a real Envoy which runs meshd's export of the same YAML, and in which clients, upstreams and logs see the same; other
tests are named by file, those that ask a real Envoy as well by `*_witness.py`. What Envoy does otherwise stands in [differences from
Envoy](differences-from-envoy.md) and in the last column.

Where chance decides (weights, percentages, RANDOM, LEAST_REQUEST), cases compare how often each thing happens, within five standard deviations:
a real Envoy draws from a generator that nobody can seed. What a hash decides is compared request by request, and meshd's own drawing by seed in
unit tests.

*Served* means: it does what Istio says of it. *Told*: it is read, its author is warned with these words, and it has no effect. *Served; told*:
it does what Istio says but for the value that the words name. *Refused*: the resource is not used. What a document has beyond these fields is
told as unknown, by file, line and field.
"""


@attrs.frozen
class Evidence:
    """
    What shows that fields do what they should.

    Attributes:
        tests: Test files by path of a field, or of what it stands in: the longest counts.
        differences: From Envoy, by path of a field.
        witnesses: Cases by path of a field; one that ends in `.*` stands for a field and all that are within it.
    """

    tests: Mapping[str, str]
    differences: Mapping[str, str]
    witnesses: Mapping[str, tuple[str, ...]]

    def of(self, path: str) -> str:
        """Give what shows a field."""
        parts = path.split(".")
        whole = (f"{'.'.join(parts[:count])}.*" for count in range(len(parts), 1, -1))
        cases = self.witnesses.get(path) or next((self.witnesses[name] for name in whole if name in self.witnesses), ())
        if cases:
            beside = f"; `{self.tests[path]}`" if self.tests.get(path, "").endswith("_witness.py") else ""
            return f"witness {', '.join(cases)}{beside}"
        known = max((prefix for prefix in self.tests if f"{path}.".startswith(f"{prefix}.")), key=len, default="")
        return f"`{self.tests[known]}`" if known else ""


def read_documents() -> dict[str, list[dict[str, object]]]:
    """Give the documents that have every field, by kind."""
    found: dict[str, list[dict[str, object]]] = {}
    texts = [networking.document(kind, spec) for kind, spec in networking.WHOLE.items()]
    for text in (*texts, HERE.joinpath("documents.yaml").read_text()):
        for body in yaml.safe_load_all(text):
            found.setdefault(body["kind"], []).append(body)
    return found


def read_evidence() -> Evidence:
    """Read the tables of evidence."""
    written: dict[str, Any] = yaml.safe_load(HERE.joinpath("evidence.yaml").read_text())
    cases: dict[str, list[str]] = {}
    for path in sorted(WITNESSES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            for field in case["shows"]:
                cases.setdefault(field, []).append(case["case"])
    return Evidence(written["tests"], written["differences"], {field: tuple(names) for field, names in cases.items()})


def build_page(fields: Iterable[Field], evidence: Evidence) -> str:
    """Give the page."""
    lines, kind = [HEAD.rstrip("\n")], ("", "")
    fields = list(fields)
    around = {(field.group, field.path.rpartition(".")[0]) for field in fields}
    for field in fields:
        if (field.group, field.path.split(".")[0]) != kind:
            kind = field.group, field.path.split(".")[0]
            lines += ["", f"## {kind[1]} ({_versions(*kind)})", "", "| field | meshd | shown by | difference from Envoy |", "|---|---|---|---|"]
        name = field.path.partition(".")[2]
        shown = evidence.of(field.path) if (field.group, field.path) not in around or not field.is_served else "its fields"
        lines.append(f"| `{name}` | {_status(field)} | {shown} | {evidence.differences.get(field.path, '')} |")
    return "\n".join(lines) + "\n"


def _versions(group: str, kind: str) -> str:
    return ", ".join(f"{group}/{version}".strip("/") for version in KINDS[group, kind].versions)


def _status(field: Field) -> str:
    text = field.told.replace("|", "\\|")
    if field.path in ALIKE:
        return f"served; its fields are those of `{ALIKE[field.path]}`"
    if not text:
        return "served"
    if field.is_refused:
        return f"refused: {text}"
    return f"served; told: {text}" if field.is_served else f"told: {text}"


def current_page() -> str:
    """Give the page as it should be now."""
    return build_page(all_fields(read_documents()), read_evidence())
