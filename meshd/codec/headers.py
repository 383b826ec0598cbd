"""HTTP header lines in order, with a dictionary beside them for quick questions."""

from typing import Final

from meshd.base.errors import MeshError
from meshd.codec.http1_lines import NAMES

LF: Final = 10
CR: Final = 13


class HeaderError(MeshError):
    """A line break within a header that was to be added: the message would not be what it seems."""


class Headers:
    """
    Header lines of one message: names lower case, values as sent less surrounding blanks, both bytes, in order.

    `pairs` is what is written out; `first` answers "is it there, and what is its first value" at the cost of one dictionary look-up.
    `spelling` gives names as they are to be written, by their lower-case forms; None: all in lower case.
    `repeated` tells whether a header had more than one line when the message came. Change them only through the methods, which refuse what
    would become another line. HTTP/2's pseudo headers are no headers here.
    """

    __slots__ = ("first", "pairs", "repeated", "spelling")

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Take lines that have been checked, as by `http1_lines.LINES`; the list is kept, not copied."""
        self.pairs = pairs
        self.spelling: dict[bytes, bytes] | None = None
        self.first = first = dict(pairs)
        self.repeated = repeated = len(first) != len(pairs)
        if repeated:
            self.first = dict(reversed(pairs))

    def get(self, name: bytes) -> bytes | None:
        """Return the first value of a header, or None."""
        return self.first.get(name)

    def joined(self, name: bytes) -> bytes | None:
        """Return all values of a header joined with `,` (RFC 9110, section 5.3), or None."""
        first = self.first
        if name not in first:
            return None
        if len(first) == len(self.pairs):
            return first[name]
        return b",".join([value for key, value in self.pairs if key == name])

    def add(self, name: bytes, value: bytes) -> None:
        """
        Append a line.

        Raises:
            HeaderError: If the name is no token, or the value has a line break.
        """
        if LF in value or CR in value or not NAMES[name]:
            raise HeaderError(f"expected a header line, got {name!r}: {value!r}")
        self.pairs.append((name, value))
        self.first.setdefault(name, value)

    def set(self, name: bytes, value: bytes) -> None:
        """
        Replace a header where it first stands, dropping further lines of it; append it when it is absent.

        Raises:
            HeaderError: If the name is no token, or the value has a line break.
        """
        first = self.first
        if name not in first:
            self.add(name, value)
            return
        if LF in value or CR in value:
            raise HeaderError(f"expected a header line, got {name!r}: {value!r}")
        place = self._find(name)
        pairs = self.pairs
        if len(first) != len(pairs):
            pairs[place + 1:] = [pair for pair in pairs[place + 1:] if pair[0] != name]
        pairs[place] = (name, value)
        first[name] = value

    def remove(self, name: bytes) -> None:
        """Drop every line of a header."""
        first = self.first
        if name in first:
            if len(first) == len(self.pairs):
                del self.pairs[self._find(name)]
            else:
                self.pairs = [pair for pair in self.pairs if pair[0] != name]
            del first[name]

    def _find(self, name: bytes) -> int:
        """Give the place of the first line of a header that is there."""
        place = 0
        for key, _ in self.pairs:
            if key == name:
                break
            place += 1
        return place

    def copy(self) -> "Headers":
        """Return an independent copy."""
        headers = Headers([])
        headers.pairs = self.pairs.copy()
        headers.first = self.first.copy()
        headers.repeated = self.repeated
        headers.spelling = self.spelling
        return headers
