"""Timeouts and retries in words."""

import pytest

from meshd.base.origins import Origin
from meshd.explain.answer import Answer
from meshd.explain.limits import describe_retries, tell_of_limits
from meshd.snapshot.route import RetryPolicy, RouteAction


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (RouteAction("c"), []),
        (RouteAction("c", timeout=2.5), [("timeout", "2.5 s from the end of the request to the end of the response")]),
        (RouteAction("c", timeout=2.0, max_stream_duration=0.0), []),
        (RouteAction("c", max_stream_duration=3.0, max_grpc_timeout=0.0), [("timeout", "3 s in all; what grpc-timeout asks for")]),
        (RouteAction("c", max_grpc_timeout=4.0, idle_timeout=5.0),
         [("timeout", "what grpc-timeout asks for, at most 4 s; 5 s without progress")]),
        (RouteAction("c", retry_policy=RetryPolicy(attempts=0)), []),
        (RouteAction("c", retry_policy=RetryPolicy(("reset",))), [("retries", "up to 1 time on reset")]),
    ],
)
def test_tells_of_limits(action, expected):
    """Those that there are, with the rule that sets them."""
    answer = Answer()
    tell_of_limits(action, [Origin("a.yaml", 3)], answer)
    assert [(*told, "a.yaml:3") for told in expected] == [(step.step, step.why, step.origin) for step in answer.steps]


def test_describes_a_whole_policy():
    """When, how often, where, how long."""
    policy = RetryPolicy(("5xx", "retriable-status-codes"), 3, 1.5, (503, 429), True, per_try_idle_timeout=0.5, leaves_priorities=2)
    assert (
        "up to 3 times on 5xx, retriable-status-codes (503, 429); on an endpoint that has not been tried; "
        "in localities further away, once those of a priority were tried; 1.5 s for each try; 0.5 s without progress in a try"
    ) == describe_retries(policy)
    assert "up to 1 time on retriable-status-codes (none is named)" == describe_retries(RetryPolicy(("retriable-status-codes",)))
    assert "up to 1 time on nothing" == describe_retries(RetryPolicy())
