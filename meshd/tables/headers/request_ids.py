"""Request ids that look like random UUIDs, made cheaply."""

from collections.abc import Callable

POOL = 256
"""Ids made from one draw of entropy."""


class RequestIds:
    """
    Gives UUID-shaped ids (RFC 9562, version 4) from random bytes drawn for many at once; these have their third and fourth group in common.

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
        digits = self._entropy(4 + 12 * POOL).hex().encode()
        middle = b"-4" + digits[:3] + b"-" + b"89ab"[int(digits[3:4], 16) & 3:][:1] + digits[4:7] + b"-"
        for start in range(8, len(digits), 24):
            self.ready.append(digits[start:start + 8] + b"-" + digits[start + 8:start + 12] + middle + digits[start + 12:start + 24])
