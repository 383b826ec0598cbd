"""The way from one JSON value to another as a JSON Patch (RFC 6902), as an admission webhook answers."""

from collections.abc import Mapping
from typing import Any

Operation = dict[str, Any]


def difference(before: Any, after: Any, pointer: str = "") -> list[Operation]:
    """
    List the operations that make `after` of `before`.

    Items that a list gained in one place are added there one by one; a list that changed otherwise is replaced.
    """
    if _same(before, after):
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _of_mappings(before, after, pointer)
    if isinstance(before, list) and isinstance(after, list) and len(after) > len(before):
        start = next((index for index, (one, other) in enumerate(zip(before, after, strict=False)) if not _same(one, other)), len(before))
        gained = len(after) - len(before)
        if _same(after[start + gained :], before[start:]):
            return [{"op": "add", "path": f"{pointer}/{start + index}", "value": after[start + index]} for index in range(gained)]
    return [{"op": "replace", "path": pointer, "value": after}]


def _of_mappings(before: Mapping[str, Any], after: Mapping[str, Any], pointer: str) -> list[Operation]:
    found: list[Operation] = [{"op": "remove", "path": f"{pointer}/{_escaped(key)}"} for key in before if key not in after]
    for key, value in after.items():
        path = f"{pointer}/{_escaped(key)}"
        found += difference(before[key], value, path) if key in before else [{"op": "add", "path": path, "value": value}]
    return found


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does, to which true is not 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
