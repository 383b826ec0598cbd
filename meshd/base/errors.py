"""What can be wrong: exceptions for bugs and I/O, Problems for what an operator wrote."""

from collections.abc import Iterable
from typing import Literal

import attrs

from meshd.base.origins import Origin

Severity = Literal["error", "warning", "info"]


class MeshError(Exception):
    """Every exception that meshd raises on purpose."""


class ConfigurationError(MeshError):
    """Settings that make it impossible to start."""


class WireError(MeshError):
    """Bytes from another process that cannot be read as what they should be."""


class CaptureError(MeshError):
    """Kernel rules that could not be applied, read or removed."""


@attrs.frozen
class Problem:
    """
    One thing wrong with the configuration, told so that its author can mend it.

    Attributes:
        origin: The resource and its place.
        field: Path within the resource, such as `http[0].route[1].weight`; empty for the whole.
        message: What was expected and what was found; no blame, no full stop.
        hint: What to do; may be empty.
        severity: `error`: the resource is not used (or its last good version is); `warning`: it is used.
        line: Line of the field where known, otherwise 0 and the origin's line counts.
        code: Istio's message code (`IST0101`) where it has one.
    """

    origin: Origin
    message: str
    field: str = ""
    hint: str = ""
    severity: Severity = "error"
    line: int = 0
    code: str = ""

    def __str__(self) -> str:
        """Give `file:line (Kind namespace/name): field: message; hint`."""
        origin = attrs.evolve(self.origin, line=self.line) if self.line else self.origin
        return ": ".join(part for part in (str(origin), self.field, self.said) if part)

    @property
    def said(self) -> str:
        """Message and hint as one sentence; Istio's messages end with a full stop, which the hint goes before."""
        return f"{self.message.removesuffix('.')}; {self.hint}" if self.hint else self.message

    def to_json(self) -> dict[str, str | int]:
        """Give it as an object for JSON, as the admin page `/status` and meshctl print it; `text` is the line for people."""
        return {
            "severity": self.severity, "text": str(self), "file": self.origin.file, "line": self.line or self.origin.line,
            "resource": self.origin.resource, "field": self.field, "message": self.message, "hint": self.hint, "code": self.code,
        }


def has_errors(problems: Iterable[Problem]) -> bool:
    """Tell whether any Problem is an error; warnings alone are fine."""
    return any(problem.severity == "error" for problem in problems)
