"""A workload's health: answers in a row decide, and whoever wants to know hears of changes only."""

import attrs


@attrs.define(eq=False)
class Health:
    """
    What many answers say together.

    Attributes:
        success_threshold / failure_threshold: Answers in a row that change it.
        healthy: None until there were enough of either kind.
        reason: What the last bad answer said; empty after a good one.

    Source:
        Istio pkg/istio-agent/health/health_check.go: it begins as neither, and every other answer begins the count anew.
    """

    success_threshold: int = 1
    failure_threshold: int = 1
    healthy: bool | None = None
    reason: str = ""
    _good: bool = False
    _streak: int = 0

    def take(self, reason: str) -> bool:
        """Take an answer, "" for a good one; tell whether the health has changed."""
        good = not reason
        self._streak = self._streak + 1 if self._streak and good == self._good else 1
        self._good, self.reason = good, reason
        if self.healthy == good or self._streak < (self.success_threshold if good else self.failure_threshold):
            return False
        self.healthy = good
        return True
