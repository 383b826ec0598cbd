"""What internal clients may ask for by headers, and routes that add them: other timeouts, other retries."""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from meshd.codec.headers import Headers
from meshd.snapshot.header_changes import HeaderChanges
from meshd.snapshot.match import HeaderMatch
from meshd.snapshot.route import RetryPolicy
from meshd.tables.headers.requests import remove_all
from meshd.tables.interfaces import Exchange, RouteEntry, Step
from meshd.tables.retry_rules import set_retries
from meshd.tables.timeouts import limit_request

TIMEOUT: Final = b"x-envoy-upstream-rq-timeout-ms"
PER_TRY: Final = b"x-envoy-upstream-rq-per-try-timeout-ms"
HIDE: Final = b"x-envoy-upstream-rq-timeout-alt-response"
RETRY_ON: Final = b"x-envoy-retry-on"
RETRY_GRPC_ON: Final = b"x-envoy-retry-grpc-on"
MAX_RETRIES: Final = b"x-envoy-max-retries"
STATUSES: Final = b"x-envoy-retriable-status-codes"
NAMES: Final = b"x-envoy-retriable-header-names"
HEDGE: Final = b"x-envoy-hedge-on-per-try-timeout"

OBEYED: Final = frozenset((
    TIMEOUT, PER_TRY, HIDE, RETRY_ON, RETRY_GRPC_ON, MAX_RETRIES, STATUSES, NAMES, HEDGE,
    b"x-envoy-upstream-alt-stat-name", b"x-envoy-upstream-stream-duration-ms",
))
"""Meant for the proxy, and not forwarded; external clients' were removed before."""
USED_UP: Final = OBEYED - {TIMEOUT, b"x-envoy-upstream-alt-stat-name"}
"""Those that are not forwarded where a route adds them: the whole request's timeout is known before, so that its header means nothing any more."""
GRPC_CONDITIONS: Final = frozenset(("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"))


def obey(proceed: Step, name_cluster: Step) -> Step:
    """
    Return a step that does what internal clients ask for before a request goes on.

    Args:
        proceed: The terminal step.
        name_cluster: Chooses the cluster, so that its entry is the one that is changed.
    """
    def step(exchange: Exchange) -> None:
        headers = exchange.request.headers
        if not OBEYED.isdisjoint(headers.first):
            name_cluster(exchange)
            route = exchange.route
            if route is not None:
                exchange.route = _obeyed(exchange, route)
            remove_all(headers, OBEYED)
        proceed(exchange)

    return step


def _obeyed(exchange: Exchange, route: RouteEntry) -> RouteEntry:
    """Give a route's entry as a request's headers change it."""
    headers = exchange.request.headers
    entry = route.copy()
    entry.hides_timeouts = HIDE in headers.first
    timeout = number_in(headers, TIMEOUT)
    policy = change_retries(headers, route.retry_policy)
    if policy is not route.retry_policy:
        set_retries(entry, policy)
    entry = limit_request(exchange, entry, None if timeout is None else timeout / 1000, headers.first.get(HEDGE) == b"true")
    entry.timed = 0
    return entry


def obey_changes(layers: Sequence[HeaderChanges], prepare: Step | None) -> Step | None:
    """
    Return what prepares requests, then does what headers say that a route has added.

    Args:
        layers: All that is changed in requests' headers; without such a header nothing is done.
        prepare: Makes the changes.

    Source:
        Envoy's router: retries, and what they need, are read from the headers as the route leaves them; times of a try are known before.
    """
    if prepare is None or USED_UP.isdisjoint(change.name.lower().encode() for layer in layers for change in layer.add):
        return prepare

    def change(exchange: Exchange) -> None:
        prepare(exchange)
        headers, route = exchange.request.headers, exchange.route
        if route is not None and not USED_UP.isdisjoint(headers.first):
            headers.remove(PER_TRY)
            entry = route.copy()
            entry.hides_timeouts = route.hides_timeouts or HIDE in headers.first
            policy = change_retries(headers, route.retry_policy)
            if policy is not route.retry_policy:
                set_retries(entry, policy)
            exchange.route = entry
            remove_all(headers, USED_UP)

    return change


def change_retries(headers: Headers, policy: RetryPolicy | None) -> RetryPolicy | None:
    """
    Give the policy that counts for a request.

    Source:
        Envoy's RetryStateImpl: conditions and what they need are added to the route's, numbers take the place of its.
    """
    conditions = (
        *(word for word in words_in(headers, RETRY_ON) if word not in GRPC_CONDITIONS),
        *(word for word in words_in(headers, RETRY_GRPC_ON) if word in GRPC_CONDITIONS),
    )
    per_try, attempts = number_in(headers, PER_TRY), number_in(headers, MAX_RETRIES)
    if policy is None:
        if not conditions and per_try is None:
            return None
        policy = RetryPolicy()
    return attrs.evolve(
        policy,
        retry_on=tuple(dict.fromkeys((*policy.retry_on, *conditions))),
        attempts=policy.attempts if attempts is None else attempts,
        per_try_timeout=policy.per_try_timeout if per_try is None else per_try / 1000,
        retriable_status_codes=(*policy.retriable_status_codes, *(int(word) for word in words_in(headers, STATUSES) if is_number(word))),
        retriable_headers=(*policy.retriable_headers, *(HeaderMatch(word) for word in words_in(headers, NAMES))),
    )


def words_in(headers: Headers, name: bytes) -> Iterator[str]:
    """Give the words of a header's value, which commas part."""
    return (word for part in headers.first.get(name, b"").decode("latin-1").split(",") if (word := part.strip()))


def number_in(headers: Headers, name: bytes) -> int | None:
    """Give a header's number; None where it has none."""
    text = headers.first.get(name, b"").decode("latin-1").strip()
    return int(text) if is_number(text) else None


def is_number(text: str) -> bool:
    """Tell whether a text is a number that is not beyond all reason."""
    return text.isascii() and text.isdigit() and len(text) <= 15
