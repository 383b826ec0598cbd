"""When a failed try is worth another, by Envoy's retry conditions."""

from collections.abc import Callable

from meshd.codec.http_events import ResponseHead
from meshd.snapshot.route import RetryPolicy

CONNECT_FAILURES = ("connection_failure", "connection_timeout")
RESETS = ("connection_termination", "protocol_error")

_CONNECT_CONDITIONS = frozenset(("connect-failure", "reset", "reset-before-request"))
_GRPC_CONDITIONS = {b"1": "cancelled", b"4": "deadline-exceeded", b"8": "resource-exhausted", b"13": "internal", b"14": "unavailable"}


def retries_failure(policy: RetryPolicy, reason: str) -> bool:
    """
    Tell whether a try that gave no answer is tried again.

    Args:
        policy: Of the route.
        reason: Key of `snapshot.replies`.

    Source:
        Observed with Envoy 1.40: `5xx` and `gateway-error` cover every failure before the head, `reset` closes and resets alone, `connect-failure`
        refused and timed-out connects alone, `reset-before-request` (Istio's inbound policy) the same, since nothing has been written by then; an
        overflow is never tried again.
    """
    conditions = policy.retry_on
    if "5xx" in conditions or "gateway-error" in conditions:
        return reason in CONNECT_FAILURES or reason in RESETS or reason == "upstream_per_try_timeout"
    if reason in CONNECT_FAILURES:
        return not _CONNECT_CONDITIONS.isdisjoint(conditions)
    return "reset" in conditions and (reason in RESETS or reason == "upstream_per_try_timeout")


def retries_answer(policy: RetryPolicy, head: ResponseHead) -> bool:
    """Tell whether an answer is thrown away for another try."""
    status = head.status
    conditions = policy.retry_on
    if status >= 500 and "5xx" in conditions:
        return True
    if status in (502, 503, 504) and "gateway-error" in conditions:
        return True
    if status == 409 and "retriable-4xx" in conditions:
        return True
    if status in policy.retriable_status_codes and "retriable-status-codes" in conditions:
        return True
    grpc_status = head.headers.first.get(b"grpc-status")
    return grpc_status is not None and _GRPC_CONDITIONS.get(grpc_status, "") in conditions


def retry_delay(policy: RetryPolicy, attempt: int, random: Callable[[], float]) -> float:
    """
    Give how long to wait before a retry.

    Args:
        policy: Of the route.
        attempt: Tries that have failed so far, from 1.
        random: In [0, 1).

    Returns:
        Seconds: even between 0 and the base times 2**attempt - 1, at most `max_interval`.

    Source:
        Envoy's JitteredExponentialBackOffStrategy.
    """
    longest: float = policy.base_interval * (2 ** min(attempt, 32) - 1)
    return random() * min(longest, policy.max_interval)
