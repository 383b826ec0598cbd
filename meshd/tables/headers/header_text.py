"""Texts of settings that become header values."""

from meshd.codec.headers import Headers
from meshd.codec.http1_lines import VALUE
from meshd.tables.interfaces import BuildError


def header_text(name: str, text: str) -> bytes:
    """
    Give a text as a header has it.

    Args:
        name: Of the setting.
        text: Its value.

    Raises:
        BuildError: If a header cannot hold it: it would become another line, or none.
    """
    value = text.encode("utf-8", "surrogateescape")
    if value.translate(VALUE) != value:
        raise BuildError((f"{name}: expected a text without control characters, got {text!r}",))
    return value


def append_via(headers: Headers, via: bytes) -> None:
    """Tell in `via` that a message came through here, behind what stands there already."""
    before = headers.joined(b"via")
    headers.set(b"via", via if before is None else before + b", " + via)
