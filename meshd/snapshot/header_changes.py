"""What is changed in the headers of requests and responses."""

from typing import Literal

import attrs

AppendAction = Literal["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"]


@attrs.frozen
class HeaderChange:
    """
    One header that is set.

    Attributes:
        name: As it is written; `:authority` and `:path` are headers of requests, too.
        value: May hold the access log's command operators, such as `%DOWNSTREAM_REMOTE_ADDRESS%`; `%%` is one percent sign.
        action: What becomes of headers of that name which are there.
        keep_empty: Set it, be its value empty.
    """

    name: str
    value: str
    action: AppendAction = "APPEND_IF_EXISTS_OR_ADD"
    keep_empty: bool = False


@attrs.frozen
class HeaderChanges:
    """First what is taken away, by name, then what is set, in order."""

    add: tuple[HeaderChange, ...] = ()
    remove: tuple[str, ...] = ()


NO_CHANGES = HeaderChanges()
