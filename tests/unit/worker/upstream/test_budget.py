"""Tests of how many retries may be under way."""

import pytest

from meshd.snapshot.cluster import RetryBudget, Thresholds
from meshd.worker.upstream.budget import most_retries


@pytest.mark.parametrize(("budget", "under_way", "expected"), [
    (None, 1000, 7), (RetryBudget(20.0, 3), 0, 3), (RetryBudget(20.0, 3), 16, 3.2), (RetryBudget(20.0, 3), 100, 20), (RetryBudget(100.0, 0), 0, 0),
    (RetryBudget(0.0, 0), 100, 0),
])
def test_a_budget_takes_the_place_of_the_limit(budget, under_way, expected):
    """A share of what is under way, but no less than its least concurrency."""
    assert pytest.approx(expected) == most_retries(Thresholds(max_retries=7, retry_budget=budget), under_way)
