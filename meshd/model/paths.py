"""Where a field stands within a resource: `spec.ports[0].port`."""

import re
from collections.abc import Callable

from meshd.base.texts import printable

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of a resource."""

LineOf = Callable[[Path], int]
"""Looks up the line of a field; of the nearest field above it where it is absent; 0 where lines mean nothing."""

# reason: this text is the operator's own file, bounded by the reader, and the pattern is linear
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")

MAX_KEY_SHOWN = 80  # characters of one key in a message; longer ones are cut


def format_path(path: Path) -> str:
    """Give a path as messages quote it; a key with dots or odd characters stands in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part) and len(part) <= MAX_KEY_SHOWN:
            text += f".{part}" if text else part
        else:
            text += f"[{shown_key(part)}]"
    return text


def plain_path(text: str) -> Path:
    """Read a path that `format_path` gave, if all its keys are plain."""
    parts = text.replace("[", ".").replace("]", "").split(".") if text else ()
    return tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)


def shown_key(key: str) -> str:
    """Give a key fit for one line of a log: printable and short."""
    return printable(key[:MAX_KEY_SHOWN])


def no_lines(path: Path) -> int:
    """Be the `LineOf` of resources that come from no file."""
    return 0
