"""How long to wait until something that failed is tried again."""

from collections.abc import Callable

import attrs

FIRST, LONGEST = 0.1, 5.0  # seconds; a registry that restarts has everybody back within half of Istio's grace period


@attrs.define(eq=False)
class Backoff:
    """
    Twice as long after each failure, up to a bound, less a part by chance so that many do not come at once.

    Attributes:
        random: A source of numbers in [0, 1).
        failures: In a row.
    """

    random: Callable[[], float]
    failures: int = 0

    def fail(self) -> float:
        """Count a failure, and give the seconds to wait."""
        wait = min(LONGEST, FIRST * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return wait * (0.5 + self.random() / 2)

    def succeed(self) -> None:
        """Begin anew."""
        self.failures = 0
