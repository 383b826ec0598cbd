"""Applies JSON Patches (RFC 6902): add, remove and replace."""

from typing import Any


def applied(value: Any, operations: list[dict[str, Any]]) -> Any:
    """Apply operations to a value, which they change; gives the result."""
    for operation in operations:
        if operation["path"] == "":
            value = operation["value"]
            continue
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = value
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if operation["op"] == "remove":
            del place[last]
        elif isinstance(place, list):
            place.insert(len(place) if last == "-" else int(last), operation["value"])
        else:
            assert (last in place) == (operation["op"] == "replace")
            place[last] = operation["value"]
    return value
