"""How many retries may be under way at a time."""

from meshd.snapshot.cluster import Thresholds


def most_retries(limits: Thresholds, under_way: int) -> float:
    """
    Give how many retries may be under way.

    Args:
        limits: Of the cluster.
        under_way: Requests, those that wait for a connection among them.

    Source:
        Envoy's ResourceManagerImpl: a budget takes the place of `max_retries`, and never comes below its least concurrency.
    """
    budget = limits.retry_budget
    if budget is None:
        return limits.max_retries
    return max(budget.percent / 100.0 * under_way, budget.min_concurrency)
