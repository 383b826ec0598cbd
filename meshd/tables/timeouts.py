"""Which times a request's own headers ask for within its route's, and what the upstream is told of them."""

from typing import Final

import attrs

from meshd.codec.local_reply import is_grpc
from meshd.snapshot.route import RetryPolicy
from meshd.tables.grpc_timeout import read_grpc_timeout, write_grpc_timeout
from meshd.tables.interfaces import Exchange, RouteEntry
from meshd.tables.retry_rules import set_retries

EXPECTED: Final = b"x-envoy-expected-rq-timeout-ms"
LEAST: Final = 0.001
"""Seconds that stand for "no time at all", where 0 would be "no limit"."""


def limit_request(exchange: Exchange, entry: RouteEntry, own: float | None = None, hedges: bool = False) -> RouteEntry:
    """
    Give the entry that counts for a request, with the times that it asks for, and tell the upstream how long it has.

    Args:
        exchange: Its request's headers are changed.
        entry: Its route's.
        own: Timeout that its client asks for by a header of Envoy's, seconds; it goes before all others.
        hedges: The client wants a second try beside the first, not instead of it: each has the whole time.

    Source:
        Envoy's FilterUtility::finalTimeout and ActiveStream::refreshDurationTimeout: where a route has a `max_stream_duration`, `grpc-timeout`
        takes its place for any request; elsewhere it is the timeout of gRPC requests, which without the header have none but the cap.
    """
    headers = exchange.request.headers
    cap, timeout, duration = entry.max_grpc_timeout, entry.timeout, entry.max_stream_duration
    if cap is not None and duration is not None:
        asked = read_grpc_timeout(headers)
        if asked is not None:
            duration = max(_capped(asked, cap), LEAST)
            write_grpc_timeout(headers, duration)
    elif cap is not None and is_grpc(headers):
        timeout = _capped(read_grpc_timeout(headers) or 0.0, cap)
    if own is not None:
        timeout = own
    policy = within(entry.retry_policy, timeout)
    if timeout != entry.timeout or duration != entry.max_stream_duration or policy is not entry.retry_policy:
        entry = entry.copy()
        entry.timeout = timeout
        entry.max_stream_duration = duration
        if policy is not entry.retry_policy:
            set_retries(entry, policy)
        entry.limited = True
    tell_timeout(exchange, entry, 0.0, hedges)
    return entry


def _capped(asked: float, cap: float) -> float:
    """Give the smaller of two times, of which 0 is none."""
    return cap if cap and (not asked or asked > cap) else asked


def within(policy: RetryPolicy | None, timeout: float) -> RetryPolicy | None:
    """Give a policy whose tries have no time of their own if that is no less than the whole request's."""
    if policy is not None and timeout and policy.per_try_timeout >= timeout:
        return attrs.evolve(policy, per_try_timeout=0.0)
    return policy


def tell_timeout(exchange: Exchange, entry: RouteEntry, elapsed: float, hedges: bool = False) -> None:
    """
    Tell the upstream how long a try has, where there is a limit: `x-envoy-expected-rq-timeout-ms`, and `grpc-timeout` in a gRPC request.

    Args:
        exchange: Its request's headers are changed.
        entry: Has the times that count for it.
        elapsed: Seconds since the request was complete.
        hedges: As `limit_request` has it.
    """
    policy, timeout = entry.retry_policy, entry.timeout
    expected = timeout if policy is None or hedges else policy.per_try_timeout or timeout
    if not expected:
        return
    if timeout:
        expected = min(expected, max(timeout - elapsed, LEAST))
    headers = exchange.request.headers
    if not exchange.quiet:
        headers.set(EXPECTED, b"%d" % round(expected * 1000))
    if entry.max_stream_duration is None and entry.max_grpc_timeout is not None and is_grpc(headers):
        write_grpc_timeout(headers, expected)


def whom_it_concerns(timeout: float, policy: RetryPolicy | None, max_stream_duration: float | None, max_grpc_timeout: float | None) -> int:
    """Give which requests of a route `limit_request` has to look at: `RouteEntry.timed`."""
    if timeout or (policy is not None and policy.per_try_timeout) or (max_grpc_timeout and max_stream_duration is None):
        return 2
    return int(max_grpc_timeout is not None)
