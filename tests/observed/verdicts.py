"""How a case that was played through meshd compares with what Envoy did: the same, different by choice, pending, or simply different."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
import yaml

TABLE = Path(__file__).with_name("differences.yaml")
LEFT = re.compile(r"timeout-ms: [0-9]+(?=\\r\\nx-envoy-attempt-count: [2-9])")
EITHER = frozenset(("A.outlier",))  # round robin begins anywhere, in Envoy too, so it is chance which endpoint gets the last request
MAX_SHOWN = 90  # characters of one value in the table

Word = Literal["same", "by choice", "pending", "different"]
Difference = tuple[str, Any, Any]
"""What differs, Envoy's value, meshd's."""


@attrs.frozen
class Choice:
    """A case in which meshd differs on purpose: what is sent, what comes of it in each, and why."""

    case: str
    sends: str
    envoy: str
    meshd: str
    why: str


@attrs.frozen
class Table:
    """
    What is known of cases that differ.

    Attributes:
        choices: By case; they have to differ as it is written there.
        pending: By case what is missing; they are to leave the table once they are the same.
    """

    choices: Mapping[str, Choice]
    pending: Mapping[str, str]


@attrs.frozen
class Verdict:
    """What became of one case; `told` says why it is different."""

    case: str
    word: Word
    told: str = ""


def read_table(text: str) -> Table:
    """
    Read the table of differences.

    Raises:
        ValueError: If a case stands in it twice.
    """
    content = yaml.safe_load(text)
    choices = [
        Choice(case, row["sends"], row["envoy"], row["meshd"], group["why"]) for group in content["by choice"] for case, row in group["cases"].items()
    ]
    pending = [(case, group["needs"]) for group in content["pending"] for case in group["cases"]]
    names = [choice.case for choice in choices] + [case for case, _needs in pending]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"expected each case once, found {', '.join(twice)} twice")
    return Table({choice.case: choice for choice in choices}, dict(pending))


def describe(record: Mapping[str, Any], differences: list[Difference], side: Literal[1, 2]) -> str:
    """
    Give what came of a case in one line: status, flags and details of its log where they differ, otherwise the values that differ.

    Args:
        record: The case as one of the two proxies answered it.
        differences: Between the two.
        side: Whose values: 1 for Envoy's, 2 for meshd's.
    """
    names = {what for what, _envoy, _meshd in differences}
    log = record.get("log") or []
    if log and names & {"log 0 status", "log 0 flags", "log 0 details"}:
        return " ".join(str(log[0].get(key)) for key in ("status", "flags", "details"))
    return "; ".join(f"{difference[0].removeprefix('log 0 ')}: {_shown(_unlike(difference, side))}" for difference in differences)


def _unlike(difference: Difference, side: Literal[1, 2]) -> Any:
    """Give the value of one side; of a table of answers only the first row that differs, and of that only what differs."""
    rows, others = difference[side], difference[3 - side]
    if difference[0] != "table" or not isinstance(rows, list) or not isinstance(others, list):
        return rows
    for row, other in zip(rows, others, strict=False):
        if row != other:
            return ", ".join(f"{key} {row.get(key)}" for key in row if key == "path" or row.get(key) != other.get(key))
    return rows


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def judge(
    known: Mapping[str, Any], record: Mapping[str, Any], table: Table, find: Callable[[Any, Any], list[Difference]],
) -> Verdict:
    """
    Compare one case.

    Args:
        known: What Envoy did.
        record: What meshd did.
        table: What is known of differences.
        find: Gives all that a user could notice.
    """
    case = record["name"]
    differences = [("failed", "", record["failed"])] if "failed" in record else find(known, record)
    choice = table.choices.get(case)
    if case in table.pending:
        return Verdict(case, "pending") if differences else Verdict(case, "different", "is the same now: take it out of the pending cases")
    if choice is None:
        return Verdict(case, "different", "; ".join(what for what, _envoy, _meshd in differences)) if differences else Verdict(case, "same")
    if not differences:
        return Verdict(case, "different", "is the same now: take it out of the choices")
    for name, expected, actual in (
        ("sends", choice.sends, known["says"]), ("envoy", choice.envoy, describe(known, differences, 1)),
        ("meshd", choice.meshd, describe(record, differences, 2)),
    ):
        if expected != actual:
            return Verdict(case, "different", f"{name}: the table has {expected!r}, found {actual!r}")
    return Verdict(case, "by choice")


def timeless(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give a record without what hangs on the clock or on chance: the time that is left for tries after the first, and which endpoint is which."""
    plain: dict[str, Any] = json.loads(LEFT.sub("timeout-ms: MS", json.dumps(record)))
    if plain.get("name") in EITHER:
        plain["upstream"] = sorted((*plain["upstream"], *plain.pop("upstream2")), key=json.dumps)
    return plain


def summary(verdicts: list[Verdict]) -> list[tuple[str, int, int, int, int, int]]:
    """Count by group: its letter, cases, the same, by choice, pending, different; the last row is the sum."""
    words: tuple[Word, ...] = ("same", "by choice", "pending", "different")
    rows = []
    for group in [*sorted({verdict.case[0] for verdict in verdicts}), ""]:
        found = [verdict.word for verdict in verdicts if verdict.case.startswith(group)]
        same, chosen, pending, different = (found.count(word) for word in words)
        rows.append((group or "all", len(found), same, chosen, pending, different))
    return rows


def page(table: Table) -> str:
    """Give `docs/differences-from-envoy.md`."""
    lines = [
        "# Where meshd differs from Envoy on purpose",
        "",
        "Written by `python -m tests.observed --write` from `tests/observed/differences.yaml`; `make test-observed` holds every line of it to what",
        "meshd does, and all other cases to what a real Envoy did. The last two columns are status, response flags and details, or what differs.",
        "",
    ]
    for why in dict.fromkeys(choice.why for choice in table.choices.values()):
        lines += [why, "", "| case | what is sent | Envoy | meshd |", "|--|--|--|--|"]
        for choice in table.choices.values():
            if choice.why == why:
                lines.append("| " + " | ".join(_cell(text) for text in (choice.case, choice.sends, choice.envoy, choice.meshd)) + " |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return "".join(character if character.isprintable() else f"<{ord(character):02X}>" for character in text).replace("|", "\\|")
