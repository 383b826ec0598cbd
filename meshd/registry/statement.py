"""What a joining machine says of its workload, and how that is read of somebody who may lie."""

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from meshd.base.errors import MeshError
from meshd.base.origins import Origin
from meshd.model.checks import ip_address, label_key, label_name, label_value, one_line, subdomain_name
from meshd.model.paths import no_lines
from meshd.model.reading import Fields, Report

Json = Mapping[str, Any]
HealthWord = Literal["unchecked", "unknown", "healthy", "unhealthy"]
MOST_LABELS = 64
LONGEST_TEXT = 256  # characters of what is no label or name


class StatementError(MeshError):
    """A statement that cannot be read."""


@attrs.frozen
class Statement:
    """
    One machine's word on its workload.

    Attributes:
        namespace / group: Its WorkloadGroup.
        address: Its primary IP address.
        network / locality: Where it stands; empty: as the group says.
        labels: Its own.
        health: `unchecked`: nobody asks; `unknown`: no answer yet.
        reason: Why it is not healthy.
        instance: The machine's own for as long as its state directory lives; tells two machines with one address apart.
        run / sequence: Of its process, and of the statements of that run: later ones have greater numbers.
        leaving: It says goodbye.
    """

    namespace: str
    group: str
    address: str
    network: str = ""
    locality: str = ""
    labels: Mapping[str, str] = attrs.field(factory=dict)
    health: HealthWord = "unchecked"
    reason: str = ""
    instance: str = ""
    run: str = ""
    sequence: int = 0
    leaving: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give it as it travels."""
        return {**attrs.asdict(self), "labels": dict(self.labels)}


def read_statement(body: object) -> Statement:
    """
    Read a statement.

    Raises:
        StatementError: If it is none; the text names the first fault.
    """
    if not isinstance(body, dict):
        raise StatementError("expected an object")
    report = Report(Origin("statement"), no_lines)
    fields = Fields(body, (), report)
    labels = fields.text_map("labels", key=label_key, value=label_value)
    if len(labels) > MOST_LABELS:
        fields.wrong("labels", f"expected at most {MOST_LABELS} labels, got {len(labels)}")
    statement = Statement(
        fields.text("namespace", check=label_name, required=True), fields.text("group", check=subdomain_name, required=True),
        fields.text("address", check=ip_address, required=True), fields.text("network", check=_short), fields.text("locality", check=_locality),
        labels,
        fields.choice("health", ("unchecked", "unknown", "healthy", "unhealthy"), "unchecked"), fields.text("reason", check=_short),
        fields.text("instance", check=_short, required=True), fields.text("run", check=_short, required=True),
        fields.number("sequence", low=0, high=2**53), fields.flag("leaving"),
    )
    if report.problems:
        found = report.problems[0]
        raise StatementError(f"{found.field}: {found.message}" if found.field else found.message)
    return statement


def _short(text: str) -> str:
    return one_line(text) or ("" if len(text) <= LONGEST_TEXT else f"at most {LONGEST_TEXT} characters")


def _locality(text: str) -> str:
    return "region/zone/subzone" if text.count("/") > 2 else _short(text)
