"""JSON that knows where it stands and what has been asked of it, so that nothing of a file is ignored in silence."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import attrs

from meshd.base.errors import Problem, Severity
from meshd.base.origins import Origin

MAX_SHOWN = 80  # characters of a value that a message quotes
_BY_FILTER = "typedPerFilterConfig"  # holds settings of several filters, which are told of one by one


class FieldError(ValueError):
    """
    A field that cannot be read.

    Attributes:
        field: Its path from the top of the file; relative to the message read where that is plain JSON.
        said: What was expected and what was found.
    """

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}" if field else said)
        self.field = field
        self.said = said


@attrs.define(eq=False)
class Report:
    """Collects what is wrong with one file."""

    file: str
    problems: list[Problem] = attrs.field(factory=list)

    def note(self, field: str, said: str, hint: str = "", severity: Severity = "warning") -> None:
        """Add a problem: by default a warning, since the rest of what it stands in is used."""
        self.problems.append(Problem(Origin(self.file), said, field, hint, severity))


class Noted(dict[str, Any]):
    """
    One object of a file; `found.get("maxHeaders")` finds `max_headers`, too.

    Attributes:
        place: Path from the top of the file.
        report: Where problems go.
        done: What it holds unasked has been told of.
    """

    __slots__ = ("_asked", "_spelt", "done", "place", "report")

    def __init__(self, values: dict[str, Any], place: str, report: Report) -> None:
        super().__init__({key: note(value, f"{place}.{key}" if place else key, report) for key, value in values.items()})
        self._asked: set[str] = set()
        self._spelt = {camel_case(key): key for key in values if "_" in key}
        self.done = False
        self.place = place
        self.report = report

    def _key(self, key: str) -> str:
        key = self.spelling(key)
        self._asked.add(key)
        return key

    def spelling(self, key: str) -> str:
        """Give a field's name as this object spells it."""
        return key if super().__contains__(key) else self._spelt.get(key, key)

    def get(self, key: str, default: Any = None) -> Any:
        """Give a field, in either spelling."""
        found = super().get(self._key(key))
        return default if found is None else found

    def __getitem__(self, key: str) -> Any:
        found = super().get(self._key(key))
        if found is None:  # null stands for the default, as in protobuf's JSON
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().get(self._key(key)) is not None

    def items(self) -> Any:
        """Give all fields as they are spelt; all count as asked for."""
        self._asked.update(self)
        return super().items()

    def place_of(self, path: tuple[str, ...]) -> str:
        """Give the path of a field within, as the file spells it."""
        place, here = self.place, self
        for key in path:
            if isinstance(here, Noted):
                key = here.spelling(key)
                here = dict.get(here, key)  # type: ignore[assignment]  # reason: a field may hold anything
            place = f"{place}.{key}" if place else key
        return place

    def skip(self, key: str, *below: str) -> None:
        """Take a field, or one below it, as asked for, with all within."""
        key = self.spelling(key)
        found = super().get(key)
        if not below:
            self._asked.add(key)
            settle(found)
        elif isinstance(found, Noted):
            self._asked.add(key)
            found.skip(*below)

    def unasked(self) -> Iterator[str]:
        """Yield the paths of fields that nobody has asked for, here and below; each once."""
        if self.done:
            return
        self.done = True
        for key, value in super().items():
            if value is None or key == "@type":
                continue
            if key not in self._asked:
                place = f"{self.place}.{key}" if self.place else key
                settle(value)
                yield from [f"{place}[{name}]" for name in value] if camel_case(key) == _BY_FILTER and isinstance(value, Noted) else [place]
            else:
                yield from _unasked(value)


def _unasked(value: Any) -> Iterator[str]:
    if isinstance(value, Noted):
        yield from value.unasked()
    elif isinstance(value, list):
        for item in value:
            yield from _unasked(item)


def settle(value: Any) -> None:
    """Say of a value that nothing more is to be told of it."""
    for _path in _unasked(value):
        pass


def note(value: Any, place: str, report: Report) -> Any:
    """Give JSON whose objects know where they stand."""
    if isinstance(value, dict):
        return Noted(value, place, report)
    if isinstance(value, list):
        return [note(item, f"{place}[{index}]", report) for index, item in enumerate(value)]
    return value


@cache
def camel_case(key: str) -> str:
    """Give a field's name in protobuf's JSON: `proxy_100_continue` is `proxy100Continue`."""
    first, *others = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def shown(value: Any) -> str:
    """Give a value as messages quote it."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
