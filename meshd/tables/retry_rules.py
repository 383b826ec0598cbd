"""Retry policies made ready: what is tried again, how often, and after how long."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from meshd.snapshot.match import HeaderMatch
from meshd.snapshot.route import RetryPolicy
from meshd.tables.interfaces import Condition, Exchange, RouteEntry, Step
from meshd.tables.match.header import build_header, build_response_header

CONNECT_FAILURES: Final = frozenset(("connection_failure", "tls_failure", "connection_timeout"))
NEVER_RETRIED: Final = "overflow"
GATEWAY_ERRORS: Final = frozenset((502, 503, 504))
CONFLICT: Final = 409
GRPC_STATUSES: Final = {"cancelled": b"1", "deadline-exceeded": b"4", "resource-exhausted": b"8", "internal": b"13", "unavailable": b"14"}
DOUBLINGS: Final = 32  # more would make no difference


class RetryRules:
    """
    A retry policy made ready.

    Attributes:
        attempts: Retries after the first try.
        per_try_timeout, per_try_idle_timeout: As RetryPolicy's.
        limits_tries: One of them is set.
        lowest: Answers with a lower status are passed on, if they have no `grpc-status`: `retries_answer` need not be asked.
        tries_again: Something is tried again, so that bodies are kept.
        leaves_priorities: As RetryPolicy's.
        reselections: How often another host is picked in the place of one that was tried already.
    """

    __slots__ = (
        "_base", "_codes", "_five", "_gateway", "_grpc", "_headers", "_longest", "_on_connect", "_on_ratelimited", "_on_reset", "attempts",
        "leaves_priorities", "limits_tries", "lowest", "per_try_idle_timeout", "per_try_timeout", "reselections", "tries_again",
    )

    def __init__(self, policy: RetryPolicy) -> None:
        """
        Make a policy ready; words that it does not know mean nothing, as with Envoy.

        Raises:
            BuildError: If a header match holds a regular expression that RE2 does not take.
        """
        words = frozenset(policy.retry_on)
        self.attempts = policy.attempts
        self.per_try_timeout = policy.per_try_timeout
        self.per_try_idle_timeout = policy.per_try_idle_timeout
        self.limits_tries = bool(policy.per_try_timeout or policy.per_try_idle_timeout)
        self.reselections = policy.host_selection_attempts if policy.previous_hosts else 0
        self.leaves_priorities = policy.leaves_priorities
        self._base = policy.base_interval
        self._longest = policy.max_interval
        self._five = "5xx" in words
        self._gateway = "gateway-error" in words
        self._on_reset = self._five or self._gateway or "reset" in words
        self._on_connect = self._on_reset or "connect-failure" in words or "reset-before-request" in words
        self._on_ratelimited = "envoy-ratelimited" in words
        codes = set(policy.retriable_status_codes) if "retriable-status-codes" in words else set()
        if "retriable-4xx" in words:
            codes.add(CONFLICT)
        self._codes = frozenset(codes)
        self._grpc = frozenset(GRPC_STATUSES[word] for word in words if word in GRPC_STATUSES)
        self._headers: Condition | None = None
        if "retriable-headers" in words and policy.retriable_headers:
            self._headers = _any_of(policy.retriable_headers, build_response_header)
        self.tries_again = bool(self._on_connect or self._on_ratelimited or codes or self._grpc or self._headers is not None)
        self.lowest = 0 if self._headers is not None or self._on_ratelimited else min((500, *codes))

    def retries_failure(self, reason: str) -> bool:
        """
        Tell whether a try that gave no answer is tried again.

        Args:
            reason: Key of `snapshot.replies`.

        Source:
            Envoy 1.40, RetryStateImpl::wouldRetryFromReset, and as observed: `5xx`, `gateway-error` and `reset` cover every failure before the
            head, `connect-failure` and `reset-before-request` those by which nothing has been written; an overflow is never tried again.
        """
        if reason in CONNECT_FAILURES:
            return self._on_connect
        return self._on_reset and reason != NEVER_RETRIED

    def retries_answer(self, exchange: Exchange) -> bool:
        """
        Tell whether an exchange's response is thrown away for another try.

        Source:
            Envoy 1.40, RetryStateImpl::wouldRetryFromHeaders.
        """
        head = exchange.response
        if head is None:
            return False
        first = head.headers.first
        if b"x-envoy-ratelimited" in first:
            return self._on_ratelimited
        status = head.status
        if status in self._codes or (self._five and 500 <= status < 600) or (self._gateway and status in GATEWAY_ERRORS):
            return True
        if self._headers is not None and self._headers(exchange):
            return True
        return first.get(b"grpc-status") in self._grpc

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """
        Give how long to wait before a retry.

        Args:
            attempt: Tries that have failed so far, from 1.
            random: In [0, 1).

        Returns:
            Seconds: even between 0 and the base interval, which doubles with each retry up to the longest one.

        Source:
            Envoy's JitteredExponentialBackOffStrategy; observed: 0 to 25, 50, 100, 200, then 250 ms.
        """
        longest: float = self._base * 2 ** min(attempt - 1, DOUBLINGS)
        return random() * min(longest, self._longest)


def set_retries(entry: RouteEntry, policy: RetryPolicy | None) -> None:
    """
    Give a route's entry a retry policy.

    Raises:
        BuildError: As RetryRules.
    """
    entry.retry_policy = policy
    entry.retries = None if policy is None else RetryRules(policy)


def retry_only(retriable: Condition | None, prepare: Step | None) -> Step | None:
    """Return what prepares requests, then takes those that may not be tried again out of the retry policy; the times of a try stay."""
    if retriable is None:
        return prepare

    def choose(exchange: Exchange) -> None:
        if prepare is not None:
            prepare(exchange)
        route = exchange.route
        if route is not None and route.retry_policy is not None and not retriable(exchange):
            exchange.route = entry = route.copy()
            set_retries(entry, attrs.evolve(route.retry_policy, retry_on=()))

    return choose


def build_retriable(policy: RetryPolicy | None) -> Condition | None:
    """
    Return the condition that a request has to meet to be tried again; None for all requests.

    Raises:
        BuildError: As RetryRules.
    """
    if policy is None or not policy.retriable_request_headers:
        return None
    return _any_of(policy.retriable_request_headers, build_header)


def _any_of(matches: Sequence[HeaderMatch], build: Callable[[HeaderMatch], Condition]) -> Condition:
    conditions = [build(match) for match in matches]
    return lambda exchange: any(condition(exchange) for condition in conditions)
