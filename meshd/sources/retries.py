"""How long to wait before something that failed is tried again."""

from collections.abc import Callable

import attrs

LONGEST_ADVICE = 300.0  # seconds of a server's Retry-After that are followed; one of a year would be an outage


@attrs.define(eq=False)
class Retries:
    """
    Waits that double with each failure, each with jitter, so that many who lost one server do not come back at once.

    Attributes:
        first: About how long the first wait is, seconds.
        longest: About how long waits become, seconds.
        random: Gives a number from 0 to 1.
        failures: How many there were since the last success.
    """

    first: float
    longest: float
    random: Callable[[], float]
    failures: int = 0

    def failed(self, advice: float | None = None, longest: float | None = None) -> float:
        """Give the seconds to wait after one failure more: half to one and a half of the doubled wait, and no less than a server's advice."""
        wait = min(self.first * 2.0 ** min(self.failures, 30), longest if longest is not None else self.longest)
        self.failures += 1
        return max(wait * (0.5 + self.random()), min(advice or 0.0, LONGEST_ADVICE))

    def succeeded(self) -> None:
        """Begin anew with the first wait."""
        self.failures = 0
