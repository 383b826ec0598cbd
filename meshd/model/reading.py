"""Typed getters over a resource's plain values: they keep the field path and collect Problems with lines."""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

import attrs

from meshd.base.errors import Problem, Severity, has_errors
from meshd.base.origins import Origin
from meshd.base.units import parse_duration
from meshd.model.paths import LineOf, Path, format_path, shown_key

MAX_SHOWN = 80  # characters of a found value in a message
MAX_PORT = 65535

T = TypeVar("T", bound=str)
V = TypeVar("V")

Check = Callable[[str], str]
"""Takes a text, gives what was expected instead; empty when the text is right."""


@attrs.define(eq=False)
class Report:
    """Collects the Problems of one resource."""

    origin: Origin
    line_of: LineOf
    problems: list[Problem] = attrs.field(factory=list)

    def add(self, path: Path, message: str, hint: str = "", severity: Severity = "error") -> None:
        """Add what is wrong at a path."""
        self.problems.append(Problem(self.origin, message, format_path(path), hint, severity, line=self.line_of(path)))

    @property
    def failed(self) -> bool:
        """Tell whether anything is so wrong that the resource cannot be used."""
        return has_errors(self.problems)


def shown(value: object) -> str:
    """Give a found value for a message: its type in words, and the value itself where it is short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "...") if value else "an empty text"
    return "a list" if isinstance(value, list) else "a mapping"


def _quote(value: object) -> str:
    """Give the hint for a value that was meant to be text."""
    if isinstance(value, bool):
        return "quote it, plain yes, no, on, off, y and n are booleans"
    return "quote it" if isinstance(value, int | float) else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give a hint naming the closest known word, or an empty text."""
    names = {word.lower(): word for word in known}
    bare = name.lower().replace("_", "").replace("-", "")
    close = [bare] if bare in names else difflib.get_close_matches(name.lower()[:MAX_SHOWN], names, n=1, cutoff=0.7)
    return f"did you mean {names[close[0]]}?" if close else ""


class Fields:
    """
    The fields of one mapping.

    Every getter returns a usable value, the default where a field is absent, null or wrong; what is wrong is reported.
    `finish` warns of fields that nobody asked for.
    """

    def __init__(self, values: Mapping[str, object], path: Path, report: Report) -> None:
        self.values = values
        self.path = path
        self.report = report
        self._known: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Tell whether a field is present and not null."""
        return self.values.get(name) is not None

    def wrong(self, name: str, message: str, hint: str = "", severity: Severity = "error") -> None:
        """Report something about a field; an empty name means this mapping."""
        self.report.add((*self.path, name) if name else self.path, message, hint, severity)

    def not_served(self, name: str, what: str = "", effect: str = "has no effect", severity: Severity = "warning") -> None:
        """Tell of a field that nothing acts on yet; `what` says more precisely than its name what that is."""
        if self.raw(name) is not None:
            self.wrong(name, f"{what or name} is not served yet and {effect}", severity=severity)

    def is_empty(self, name: str) -> bool:
        """Tell whether a list is absent or has nothing in it."""
        return self.values.get(name) in (None, [])

    def raw(self, name: str) -> object:
        """Return a field as it is, None where absent."""
        self._known.add(name)
        return self.values.get(name)

    def text(self, name: str, default: str = "", *, check: Check | None = None, required: bool = False) -> str:
        """Return a text; with `check`, one that passes it; an empty one counts as absent."""
        value = self.raw(name)
        if value is None or value == "":
            if required:
                self.wrong(name, f"expected {check('') if check else 'a text'}, got {shown(value)}")
            return default
        if not isinstance(value, str):
            self.wrong(name, f"expected text, got {shown(value)}", _quote(value))
            return default
        expected = check(value) if check else ""
        if expected:
            self.wrong(name, f"expected {expected}, got {shown(value)}")
            return default
        return value

    def choice(self, name: str, choices: tuple[T, ...], default: T) -> T:
        """Return one of the words given."""
        value = self.raw(name)
        if value is None or value == "":
            return default
        for word in choices:
            if value == word:
                return word
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        self.wrong(name, f"expected {' or '.join(filter(None, choices))}, got {shown(value)}", hint)
        return default

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean."""
        return bool(self.maybe_flag(name, default))

    def maybe_flag(self, name: str, default: bool | None = None) -> bool | None:
        """Return a boolean, or None where it may be absent."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(name, f"expected true or false, got {shown(value)}", "remove the quotes" if value in ("true", "false") else "")
        return default

    def number(self, name: str, default: int = 0, *, low: int, high: int, required: bool = False) -> int:
        """Return a whole number between `low` and `high`, both included."""
        value = self.raw(name)
        if value is None:
            if required:
                self.wrong(name, f"expected a number from {low} to {high}, got nothing")
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            hint = "remove the quotes" if isinstance(value, str) and value.isdigit() else ""
            self.wrong(name, f"expected a number from {low} to {high}, got {shown(value)}", hint)
            return default
        return value

    def maybe_number(self, name: str, *, low: int, high: int) -> int | None:
        """Return a whole number between `low` and `high`, or None where it is absent."""
        self._known.add(name)
        return self.number(name, low=low, high=high) if name in self else None

    def port(self, name: str, default: int = 0, *, required: bool = False) -> int:
        """Return a port number."""
        return self.number(name, default, low=1, high=MAX_PORT, required=required)

    def duration(self, name: str, default: float, *, low: float = 0.0, zero: bool = False) -> float:
        """Return a duration in seconds, at least `low`; with `zero`, 0 is right too."""
        value = self.raw(name)
        if value is None:
            return default
        try:
            seconds = parse_duration(value) if isinstance(value, str) else -1.0
        except ValueError:
            seconds = -1.0
        if low <= seconds < float("inf") or (zero and seconds == 0.0):
            return seconds
        least = f" of at least {low:g}s" if low else ""
        self.wrong(name, f"expected a duration{least} such as 10s or 250ms{', or 0s' if zero and low else ''}, got {shown(value)}")
        return default

    def decimal(self, name: str, default: float, *, low: float, high: float) -> float:
        """Return a number between `low` and `high`, both included."""
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            hint = "remove the quotes" if isinstance(value, str) and value.replace(".", "", 1).isdigit() else ""
            self.wrong(name, f"expected a number from {low:g} to {high:g}, got {shown(value)}", hint)
            return default
        return float(value)

    def mapping(self, name: str) -> "Fields":
        """Return the fields of a mapping; of an empty one where it is absent."""
        value = self.raw(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name, f"expected a mapping, got {shown(value)}")
        return Fields(value if isinstance(value, dict) else {}, (*self.path, name), self.report)

    def optional(self, name: str, read: "Callable[[Fields], V]") -> "V | None":
        """Return what is read of a mapping, or None where it is absent or none."""
        found = self.mapping(name)
        return read(found) if isinstance(self.values.get(name), dict) else None

    def items(self, name: str, *, null: bool = False) -> list["Fields"]:
        """Return the mappings of a list; with `null`, an item that is null counts as an empty one."""
        found = []
        for index, value in enumerate(self._list(name)):
            if value is None and null:
                value = {}
            if isinstance(value, dict):
                found.append(Fields(value, (*self.path, name, index), self.report))
            else:
                self.report.add((*self.path, name, index), f"expected a mapping, got {shown(value)}")
        return found

    def texts(self, name: str, *, check: Check | None = None, numbers: bool = False) -> tuple[str, ...]:
        """Return a list of texts; with `numbers`, whole numbers are taken as their text."""
        found = []
        for index, value in enumerate(self._list(name)):
            path = (*self.path, name, index)
            if numbers and isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, str):
                self.report.add(path, f"expected text, got {shown(value)}", _quote(value))
                continue
            expected = check(value) if check else ("a text" if not value else "")
            if expected:
                self.report.add(path, f"expected {expected}, got {shown(value)}")
                continue
            found.append(value)
        return tuple(found)

    def text_map(self, name: str, *, key: Check | None = None, value: Check | None = None) -> dict[str, str]:
        """Return a mapping of texts to texts."""
        found: dict[str, str] = {}
        for word, text in self.mapping(name).values.items():
            path = (*self.path, name, word)
            expected = key(word) if key else ""
            if expected:
                self.report.add(path, f"expected {expected}, got {shown(word)}")
            elif not isinstance(text, str):
                self.report.add(path, f"expected text, got {shown(text)}", _quote(text))
            elif value and value(text):
                self.report.add(path, f"expected {value(text)}, got {shown(text)}")
            else:
                found[word] = text
        return found

    def finish(self, ignored: Collection[str] = ()) -> None:
        """Warn of every field that was neither asked for nor is `ignored`, which means known but of no concern to meshd."""
        for name in self.values:
            if name not in self._known and name not in ignored:
                hint = did_you_mean(name, self._known.union(ignored))
                self.wrong(name, f"expected a known field, got {shown_key(name)}, which is ignored", hint, "warning")

    def _list(self, name: str) -> list[object]:
        value = self.raw(name)
        if value is None or isinstance(value, list):
            return value or []
        self.wrong(name, f"expected a list, got {shown(value)}", "begin each item with '- '")
        return []


