"""Header changes and header names, as VirtualService has them."""

import re

from meshd.model.reading import Fields
from meshd.model.virtual_service import HeaderOperations, Headers

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")  # RFC 9110, section 5.6.2
# reason: this text is the operator's own file, bounded by the reader, and the pattern is linear
_OPERATOR = re.compile(r"%[A-Z0-9_]+(?:\([^)%]*\))?(?::\d+)?%")
FRAMING = frozenset(("content-length", "transfer-encoding", "connection", "upgrade", "keep-alive", "proxy-connection"))
"""What says where a message ends and for whom it is, which no rule changes."""
AUTHORITY = (":authority", "host")
"""Names that stand for the authority, which a route may set."""


def header_name(text: str) -> str:
    """Check a header's name."""
    return "" if text and not set(text) - _TOKEN else "a header's name"


def changed_name(text: str) -> str:
    """Check the name of a header that may be changed: the authority and pseudo headers may not."""
    if text.startswith(":") or text.lower() == "host":
        return "a header other than Host and those that begin with a colon"
    return header_name(text)


def set_name(text: str) -> str:
    """Check the name of a request header that is set, as the authority may be."""
    return "" if text.lower() in AUTHORITY else changed_name(text)


def header_value(text: str) -> str:
    """Check a value: one line, with `%OPERATOR%` in it at most, `%%` for a percent sign (Envoy's header formatter)."""
    if any(ord(character) < 32 and character != "\t" for character in text) or "\x7f" in text:
        return "a text on one line"
    return "" if "%" not in _OPERATOR.sub("", text.replace("%%", "")) else "a text in which %% stands for a percent sign"


def read_headers(fields: Fields) -> Headers:
    """Read the changes of `headers`."""
    headers = Headers(_read_operations(fields.mapping("request"), request=True), _read_operations(fields.mapping("response"), request=False))
    fields.finish()
    return headers


def _read_operations(fields: Fields, *, request: bool) -> HeaderOperations:
    operations = HeaderOperations(
        fields.text_map("set", key=set_name if request else changed_name, value=header_value),
        fields.text_map("add", key=changed_name, value=header_value),
        fields.texts("remove", check=changed_name),
    )
    warn_of_framing(fields, operations)
    fields.finish()
    return operations


def warn_of_framing(fields: Fields, operations: HeaderOperations) -> None:
    """Tell of changes, in `set`, `add` and `remove`, that are not made since two sides would read different messages."""
    for name, words in (("set", operations.set), ("add", operations.add), ("remove", operations.remove)):
        for word in words:
            if word.lower() in FRAMING:
                fields.wrong(name, f"expected no change of {word}, which says where messages end and for whom they are; it stays", severity="warning")
