"""How long a forwarded request may take, and when it is tried again."""

from collections.abc import Iterable

from meshd.base.origins import Origin
from meshd.explain.answer import Answer
from meshd.snapshot.route import RetryPolicy, RouteAction


def tell_of_limits(action: RouteAction, origins: Iterable[Origin], answer: Answer) -> None:
    """Note a route's timeouts and retries, as far as it has any."""
    origins = tuple(origins)
    times = []
    if action.timeout and action.max_stream_duration is None:
        times.append(f"{action.timeout:g} s from the end of the request to the end of the response")
    if action.max_stream_duration:
        times.append(f"{action.max_stream_duration:g} s in all")
    if action.max_grpc_timeout is not None:
        times.append(f"what grpc-timeout asks for{f', at most {action.max_grpc_timeout:g} s' if action.max_grpc_timeout else ''}")
    if action.idle_timeout:
        times.append(f"{action.idle_timeout:g} s without progress")
    if times:
        answer.took("timeout", "; ".join(times), origins)
    if action.retry_policy is not None and action.retry_policy.attempts:
        answer.took("retries", describe_retries(action.retry_policy), origins)


def describe_retries(policy: RetryPolicy) -> str:
    """Return a retry policy in words."""
    statuses = ", ".join(map(str, policy.retriable_status_codes)) or "none is named"
    conditions = [f"{word} ({statuses})" if word == "retriable-status-codes" else word for word in policy.retry_on]
    times = f"up to {policy.attempts} time{'s' if policy.attempts > 1 else ''} on {', '.join(conditions) or 'nothing'}"
    words = [times]
    if policy.previous_hosts:
        words.append("on an endpoint that has not been tried")
    if policy.leaves_priorities:
        words.append("in localities further away, once those of a priority were tried")
    if policy.per_try_timeout:
        words.append(f"{policy.per_try_timeout:g} s for each try")
    if policy.per_try_idle_timeout:
        words.append(f"{policy.per_try_idle_timeout:g} s without progress in a try")
    return "; ".join(words)
