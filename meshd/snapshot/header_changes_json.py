"""Changes of headers in Envoy's v3 JSON."""

from typing import Any

import attrs

from meshd.snapshot.header_changes import NO_CHANGES, AppendAction, HeaderChange, HeaderChanges
from meshd.snapshot.json_fields import Json, Message, Row, flag, read_flag, read_list, read_many, read_text, text, word

_CHANGE = Message(
    HeaderChange,
    (
        text("name", "header", "key"),
        text("value", "header", "value", default=""),
        word("action", "appendAction", words=AppendAction, default="APPEND_IF_EXISTS_OR_ADD"),
        flag("keep_empty", "keepEmptyValue", default=False),
    ),
)


def _read_change(found: Any) -> HeaderChange:
    """Read a HeaderValueOption; `append: false` is the older spelling of overwriting."""
    append = found.get("append") if isinstance(found, dict) else None
    overwrites = append is not None and not read_flag(append)
    change = _CHANGE.read(found)
    return attrs.evolve(change, action="OVERWRITE_IF_EXISTS_OR_ADD") if overwrites else change


def headers_added(attribute: str, field: str) -> Row:
    """Give the row of headers that are set, where none is taken away."""
    return Row(attribute, (field,), lambda changes: [_CHANGE.write(change) for change in changes], lambda found: read_many(found, _read_change), ())


def header_changes(attribute: str, of: str) -> Row:
    """
    Give the row of changes.

    Args:
        attribute: Name in our value.
        of: `request` or `response`; fields are called `requestHeadersToAdd` and so on.
    """
    adding, removing = f"{of}HeadersToAdd", f"{of}HeadersToRemove"

    def write(changes: HeaderChanges) -> Json:
        message: Json = {adding: [_CHANGE.write(change) for change in changes.add]} if changes.add else {}
        return {**message, removing: list(changes.remove)} if changes.remove else message

    def read(found: Json) -> HeaderChanges:
        add = read_many(found.get(adding, []), _read_change)
        return HeaderChanges(add, tuple(map(read_text, read_list(found.get(removing, [])))))

    return Row(attribute, (), write, read, NO_CHANGES)
