"""What a scenario has to reach, and whether it did."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from tests.bench.figures import find_figure

US = "meshd"
ENVOY = "Envoy"


@attrs.frozen
class Target:
    """
    A limit of one figure of meshd's; medians are held against it.

    Attributes:
        figure: Its name.
        limit: Of a ratio a plain number, else in seconds, bytes or units.
        bound: Whether it is the most or the least.
        to: The contender whose figure it is a ratio to; empty for meshd's own value.
    """

    figure: str
    limit: float
    bound: Literal["most", "least"] = "most"
    to: str = ENVOY

    def describe(self, unit: str) -> str:
        """Say it in one line; `unit`: what is done in its scenario."""
        figure = find_figure(self.figure, unit)
        sign = "<=" if self.bound == "most" else ">="
        if self.to:
            return f"{figure.title} {sign} {self.limit:.2f} of {self.to}'s"
        return f"{figure.title} {sign} {self.limit * figure.scale:g} {figure.unit}".rstrip()

    def judge(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """
        Hold it against the results of a case.

        Returns:
            `target` as text, `value` with `min` and `max` (None where it was not measured), `shown` and `met`.
        """
        unit = case["unit"]
        found = case["ratios"].get(self.to, {}).get(US, {}).get(self.figure) if self.to else case["contenders"].get(US, {}).get(self.figure)
        if found is None:
            return {"target": self.describe(unit), "value": None, "min": None, "max": None, "shown": "not measured", "met": False}
        value = found["median"]
        met = value <= self.limit if self.bound == "most" else value >= self.limit
        return {
            "target": self.describe(unit), "value": value, "min": found["min"], "max": found["max"], "shown": self._show(found, unit), "met": met,
        }

    def _show(self, found: Mapping[str, float], unit: str) -> str:
        figure = find_figure(self.figure, unit)
        scale, digits, name = (1.0, 2, "") if self.to else (figure.scale, figure.digits, f" {figure.unit}".rstrip())
        median, low, high = (self._shown(found[of] * scale, digits) for of in ("median", "min", "max"))
        return f"{median}{name} ({low} to {high})"

    def _shown(self, value: float, digits: int) -> str:
        """Round away from the target: 0.501 where 0.50 is the most is shown as 0.51."""
        # nine further digits hold what floating point adds to a value that has only so many
        scaled = round(value * 10**digits, 9)
        return f"{(math.ceil(scaled) if self.bound == 'most' else math.floor(scaled)) / 10**digits:.{digits}f}"
