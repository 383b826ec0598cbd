"""Tests of retry conditions and waits."""

import pytest

from meshd.codec.headers import Headers
from meshd.codec.http_events import ResponseHead
from meshd.snapshot.route import RetryPolicy
from meshd.worker.retries import retries_answer, retries_failure, retry_delay

ISTIO = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"


def policy(conditions, codes=()):
    """Give a policy with conditions as Envoy writes them."""
    return RetryPolicy(tuple(conditions.split(",")), retriable_status_codes=codes)


@pytest.mark.parametrize(("conditions", "reason", "expected"), [
    (ISTIO, "connection_failure", True),
    (ISTIO, "connection_timeout", True),
    (ISTIO, "connection_termination", False),
    (ISTIO, "protocol_error", False),
    (ISTIO, "upstream_per_try_timeout", False),
    ("5xx", "connection_termination", True),
    ("5xx", "upstream_per_try_timeout", True),
    ("5xx", "connection_failure", True),
    ("5xx", "overflow", False),
    ("gateway-error", "connection_termination", True),
    ("reset", "connection_termination", True),
    ("reset", "protocol_error", True),
    ("reset-before-request", "connection_termination", False),
    ("reset-before-request", "connection_failure", True),
    ("reset-before-request", "connection_timeout", True),
    ("", "connection_failure", False),
])
def test_failures(conditions, reason, expected):
    """Which failures are tried again."""
    assert expected == retries_failure(policy(conditions), reason)


@pytest.mark.parametrize(("conditions", "codes", "status", "grpc", "expected"), [
    (ISTIO, (), 503, None, False),
    (ISTIO, (503,), 503, None, True),
    (ISTIO, (503,), 502, None, False),
    (ISTIO, (), 200, b"14", True),
    (ISTIO, (), 200, b"1", True),
    (ISTIO, (), 200, b"5", False),
    (ISTIO, (), 200, b"", False),
    ("5xx", (), 500, None, True),
    ("5xx", (), 409, None, False),
    ("gateway-error", (), 502, None, True),
    ("gateway-error", (), 500, None, False),
    ("retriable-4xx", (), 409, None, True),
    ("retriable-4xx", (), 404, None, False),
])
def test_answers(conditions, codes, status, grpc, expected):
    """Which answers are thrown away for another try."""
    head = ResponseHead()
    head.status = status
    head.headers = Headers([] if grpc is None else [(b"grpc-status", grpc)])
    assert expected == retries_answer(policy(conditions, codes), head)


@pytest.mark.parametrize(("attempt", "expected"), [(1, 0.025), (2, 0.075), (3, 0.175), (4, 0.25), (9, 0.25), (10_000, 0.25)])
def test_waits_grow_up_to_a_limit(attempt, expected):
    """The longest wait before each retry, with Envoy's defaults."""
    assert pytest.approx(expected) == retry_delay(RetryPolicy(), attempt, lambda: 1.0)


def test_waits_are_random():
    """Waits are spread evenly from none."""
    assert [0.0, 0.0125] == [retry_delay(RetryPolicy(), 1, lambda share=share: share) for share in (0.0, 0.5)]
