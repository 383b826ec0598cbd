"""Request ids that look like random UUIDs, made cheaply."""

from collections.abc import Callable

POOL = 256
"""Ids made from one draw of entropy."""


class RequestIds:
    """
    Gives UUID-shaped ids (RFC 9562, version 4) from random bytes drawn for many at once.

    The fourteenth digit is 4: the trace decision "not sampled", as Envoy reads it.

    Attributes:
        ready: Ids to take from the end; `make` fills it when it is empty.
    """

    __slots__ = ("_entropy", "ready")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        """Take a source of random bytes, such as `os.urandom`."""
        self._entropy = entropy
        self.ready: list[bytes] = []

    def make(self) -> bytes:
        """Give a new id."""
        ready = self.ready
        if not ready:
            self._fill()
        return ready.pop()

    def _fill(self) -> None:
        digits = self._entropy(16 * POOL).hex()
        self.ready += [
            b"%b-%b-4%b-%b%b-%b" % (
                text[:8], text[8:12], text[13:16], b"89ab"[int(text[16:17], 16) & 3:][:1], text[17:20], text[20:],
            )
            for text in (digits[start:start + 32].encode() for start in range(0, 32 * POOL, 32))
        ]
