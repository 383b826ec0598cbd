"""Text of strangers made harmless for a log line: no value can end a field, a line, or colour a terminal."""

from typing import Final

from meshd.base.byte_sets import keeps

_PLAIN_BYTES: Final = bytes(byte for byte in range(32, 127) if byte not in b'"\\')
PLAIN: Final = keeps(_PLAIN_BYTES)
"""Leaves bytes that are written as they are."""

_WRITTEN: Final = tuple(
    chr(byte) if byte in _PLAIN_BYTES else f"\\{chr(byte)}" if byte in b'"\\' else f"\\x{byte:02x}" for byte in range(256)
)

MAX_TEXTS: Final = 4096
MAX_TEXT_BYTES: Final = 256


def escape(value: bytes) -> str:
    r"""Return bytes as text: quotes and backslashes behind a backslash, control bytes and those over 127 as `\xNN`."""
    return value.decode("ascii") if value.translate(PLAIN) == value else "".join([_WRITTEN[byte] for byte in value])


class Texts(dict[str, str]):
    """
    A text as the log writes it: `-` for an empty one, else escaped, blanks as `_`; remembers them, up to a number.

    For texts that come again and again: names of clusters and routes, details, failure reasons.
    """

    __slots__ = ("_keeps_blanks",)

    def __init__(self, *, keeps_blanks: bool = False) -> None:
        """Begin empty."""
        super().__init__()
        self._keeps_blanks = keeps_blanks

    def __missing__(self, text: str) -> str:
        """Escape a text not seen yet."""
        written = escape(text.encode("utf-8", "surrogateescape")) or "-"
        if not self._keeps_blanks:
            written = written.replace(" ", "_")
        if len(self) >= MAX_TEXTS:
            self.clear()
        self[text] = written
        return written


class Escaped(dict[bytes, str]):
    """As `escape`, remembering short values, up to a number: for what strangers send again and again, and what is no secret."""

    def __missing__(self, value: bytes) -> str:
        """Escape a value not seen yet."""
        written = escape(value)
        if len(value) <= MAX_TEXT_BYTES:
            if len(self) >= MAX_TEXTS:
                self.clear()
            self[value] = written
        return written
