"""What more than reading is done about the names of headers, where it is configured: names with an underscore, names as they came."""

from typing import Final

from meshd.codec.headers import Headers

UNDERSCORE: Final = 95
UNEXPECTED_UNDERSCORE: Final = "http1.unexpected_underscore"


class HeaderNames:
    """What a reader does about names, once a head has been read."""

    __slots__ = ("_drops", "_keeps", "_refuses")

    def __init__(self, *, keeps: bool = False, refuses: bool = False, drops: bool = False) -> None:
        """
        Decide for all heads of a connection.

        Args:
            keeps: Names are written as they came (Istio's preserveHttp1HeaderCase).
            refuses: A name with an underscore is refused: many servers take it for the one with a hyphen.
            drops: A header with such a name is dropped.
        """
        self._keeps = keeps
        self._refuses = refuses
        self._drops = drops

    def look_at(self, head: bytes, headers: Headers) -> str:
        """
        Do it.

        Args:
            head: As it came, without its last empty line; it has been read.
            headers: Of that head.

        Returns:
            Empty, or the reason why the head is refused.
        """
        if self._refuses or self._drops:
            names = [name for name in headers.first if UNDERSCORE in name]
            if names and self._refuses:
                return UNEXPECTED_UNDERSCORE
            for name in names:
                headers.remove(name)
        if self._keeps:
            headers.spelling = spelling_of(head)
        return ""


KEEPING: Final = HeaderNames(keeps=True)
"""Names are written as they came, whatever they are."""


def spelling_of(head: bytes) -> dict[bytes, bytes]:
    """Give the names of a head by their lower-case forms, as they came first."""
    spelling: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:]:
        name = line.partition(b":")[0]
        spelling.setdefault(name.lower(), name)
    return spelling


def respell(head: bytes, spelling: dict[bytes, bytes]) -> bytes:
    """Write the names of a head as they are spelled; those that are not known stay in lower case."""
    first, *lines = head.split(b"\r\n")
    written = [first]
    for line in lines:
        name, colon, value = line.partition(b": ")
        written.append(spelling.get(name, name) + colon + value)
    return b"\r\n".join(written)
