"""Targets are held against medians as they were measured, and what is shown is never rounded towards them."""

import pytest

from tests.bench.targets import Target


def case(median, low=0.1, high=9.0, unit="request"):
    """Give a case in which a ratio to Envoy and meshd's own figure both are so much."""
    found = {name: {"median": median, "min": low, "max": high} for name in ("cpu", "rate", "stall")}
    return {"unit": unit, "ratios": {"Envoy": {"meshd": found}}, "contenders": {"meshd": found}}


@pytest.mark.parametrize(
    ("target", "median", "shown", "met"),
    [
        (Target("cpu", 0.5), 0.5, "0.50 (0.10 to 9.00)", True),
        (Target("cpu", 0.5), 0.5001, "0.51 (0.10 to 9.00)", False),
        (Target("cpu", 0.29), 0.29, "0.29 (0.10 to 9.00)", True),
        (Target("rate", 1.15, "least"), 1.1499, "1.14 (0.10 to 9.00)", False),
        (Target("rate", 1.15, "least"), 1.15, "1.15 (0.10 to 9.00)", True),
        (Target("stall", 0.020, to=""), 0.02001, "20.1 ms (100.0 to 9000.0)", False),
        (Target("stall", 0.020, to=""), 0.020, "20.0 ms (100.0 to 9000.0)", True),
    ],
)
def test_judges(target, median, shown, met):
    """A value just beyond its limit is shown beyond it."""
    verdict = target.judge(case(median))
    assert (shown, met) == (verdict["shown"], verdict["met"])


@pytest.mark.parametrize("target", [Target("each", 1.0), Target("each", 1.0, to=""), Target("cpu", 1.0, to="nobody")])
def test_what_was_not_measured_is_not_met(target):
    """A missing figure never passes."""
    verdict = target.judge(case(0.1))
    assert ("not measured", False) == (verdict["shown"], verdict["met"])


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target("cpu", 0.5), "CPU <= 0.50 of Envoy's"),
        (Target("rate", 1.15, "least"), "rate >= 1.15 of Envoy's"),
        (Target("idle_rss", 60e6, to=""), "idle RSS <= 60 MB"),
        (Target("errors", 0, to=""), "errors <= 0"),
    ],
)
def test_says_itself(target, text):
    """Figure, limit, and whose."""
    assert text == target.describe("request")
