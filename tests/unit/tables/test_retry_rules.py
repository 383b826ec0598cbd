"""Tests of retry conditions and pauses."""

import attrs
import pytest

from meshd.codec.headers import Headers
from meshd.codec.http_events import ResponseHead
from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.route import RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import BuildError, Environment
from meshd.tables.retry_rules import RetryRules
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

ISTIO = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
HEADERS = {"retriable_headers": (HeaderMatch("x-again"), HeaderMatch(":status", StringMatch("exact", "207")))}


def rules(conditions, **policy):
    """Give the rules of a policy with conditions as Envoy writes them."""
    return RetryRules(RetryPolicy(tuple(conditions.split(",")), **policy))


def answered(status, *headers):
    """Give an exchange whose answer has come."""
    exchange = PlainExchange()
    head = exchange.response = ResponseHead()
    head.status = status
    head.headers = Headers(list(headers))
    return exchange


@pytest.mark.parametrize(("conditions", "reason", "expected"), [
    (ISTIO, "connection_failure", True),
    (ISTIO, "connection_timeout", True),
    (ISTIO, "connection_termination", False),
    (ISTIO, "protocol_error", False),
    (ISTIO, "upstream_per_try_timeout", False),
    ("5xx", "connection_termination", True),
    ("5xx", "upstream_per_try_timeout", True),
    ("5xx", "upstream_per_try_idle_timeout", True),
    ("5xx", "connection_failure", True),
    ("5xx", "overflow", False),
    ("gateway-error", "connection_termination", True),
    ("reset", "connection_termination", True),
    ("reset", "protocol_error", True),
    ("reset", "connection_failure", True),
    ("reset", "upstream_per_try_timeout", True),
    ("reset-before-request", "connection_termination", False),
    ("reset-before-request", "connection_failure", True),
    ("reset-before-request", "connection_timeout", True),
    ("refused-stream", "connection_failure", False),
    ("http3-post-connect-failure", "connection_failure", False),
    ("retriable-4xx", "connection_failure", False),
    ("", "connection_failure", False),
])
def test_failures(conditions, reason, expected):
    """Which failures are tried again."""
    assert expected == rules(conditions).retries_failure(reason)


@pytest.mark.parametrize(("conditions", "policy", "status", "headers", "expected"), [
    (ISTIO, {}, 503, (), False),
    (ISTIO, {"retriable_status_codes": (503,)}, 503, (), True),
    (ISTIO, {"retriable_status_codes": (503,)}, 502, (), False),
    ("5xx", {"retriable_status_codes": (404,)}, 404, (), False),
    ("retriable-status-codes", {"retriable_status_codes": (302,)}, 302, (), True),
    (ISTIO, {}, 200, ((b"grpc-status", b"14"),), True),
    (ISTIO, {}, 200, ((b"grpc-status", b"1"),), True),
    (ISTIO, {}, 200, ((b"grpc-status", b"4"),), False),
    (ISTIO, {}, 200, ((b"grpc-status", b""),), False),
    ("deadline-exceeded", {}, 200, ((b"grpc-status", b"4"),), True),
    ("resource-exhausted", {}, 200, ((b"grpc-status", b"8"),), True),
    ("internal", {}, 200, ((b"grpc-status", b"13"),), True),
    ("5xx", {}, 500, (), True),
    ("5xx", {}, 599, (), True),
    ("5xx", {}, 600, (), False),
    ("5xx", {}, 409, (), False),
    ("gateway-error", {}, 502, (), True),
    ("gateway-error", {}, 500, (), False),
    ("retriable-4xx", {}, 409, (), True),
    ("retriable-4xx", {}, 404, (), False),
    ("5xx", {}, 503, ((b"x-envoy-ratelimited", b"true"),), False),
    ("envoy-ratelimited", {}, 429, ((b"x-envoy-ratelimited", b"true"),), True),
    ("envoy-ratelimited", {}, 429, (), False),
    ("retriable-headers", HEADERS, 200, ((b"x-again", b""),), True),
    ("retriable-headers", HEADERS, 207, (), True),
    ("retriable-headers", HEADERS, 200, (), False),
    ("5xx", HEADERS, 200, ((b"x-again", b""),), False),
    ("retriable-headers", {}, 200, ((b"x-again", b""),), False),
])
def test_answers(conditions, policy, status, headers, expected):
    """Which answers are thrown away for another try; none of these would be passed on before it is asked."""
    found = rules(conditions, **policy)
    assert expected == found.retries_answer(answered(status, *headers))
    assert not expected or status >= found.lowest or headers[0][0] == b"grpc-status"


@pytest.mark.parametrize(("conditions", "policy", "lowest"), [
    (ISTIO, {}, 500), ("5xx", {}, 500), ("retriable-4xx,5xx", {}, 409), ("retriable-status-codes", {"retriable_status_codes": (503, 418)}, 418),
    ("envoy-ratelimited", {}, 0), ("retriable-headers", HEADERS, 0),
])
def test_most_answers_need_no_look(conditions, policy, lowest):
    """Below some status none is tried again."""
    assert lowest == rules(conditions, **policy).lowest


@pytest.mark.parametrize(("conditions", "expected"), [
    (ISTIO, True), ("reset", True), ("internal", True), ("retriable-4xx", True), ("envoy-ratelimited", True), ("", False),
    ("refused-stream", False), ("retriable-status-codes,retriable-headers,http3-post-connect-failure,anything", False),
])
def test_bodies_are_kept_for_what_may_be_tried_again(conditions, expected):
    """Words without what they need mean nothing, and neither do unknown ones."""
    assert expected == rules(conditions).tries_again


def test_no_answer_is_not_tried_again_as_one():
    """An exchange without a response is none."""
    assert not rules("5xx").retries_answer(PlainExchange())


def test_a_bad_expression_is_told():
    """RE2 refuses it when the tables are built."""
    with pytest.raises(BuildError):
        rules("retriable-headers", retriable_headers=(HeaderMatch("x", StringMatch("regex", "(")),))


@pytest.mark.parametrize(("attempt", "expected"), [(1, 0.025), (2, 0.05), (3, 0.1), (4, 0.2), (5, 0.25), (9, 0.25), (10_000, 0.25)])
def test_pauses_grow_up_to_a_limit(attempt, expected):
    """The longest pause before each retry, with Envoy's defaults (H, retry back-off)."""
    assert pytest.approx(expected) == rules("5xx").delay(attempt, lambda: 1.0)


def test_pauses_are_random():
    """They are spread evenly from none."""
    assert [0.0, 0.0125] == [rules("5xx").delay(1, lambda share=share: share) for share in (0.0, 0.5)]


@pytest.mark.parametrize(("headers", "tries_again"), [(((b"x-idempotent", b"yes"),), True), ((), False)])
def test_only_some_requests_may_be_tried_again(headers, tries_again):
    """Others have the same times, and no retries."""
    policy = RetryPolicy(("5xx",), per_try_timeout=0.5, retriable_request_headers=(HeaderMatch("x-idempotent"), HeaderMatch("x-other")))
    route = Route("r", RouteMatch(), RouteAction("c", retry_policy=policy))
    exchange = PlainExchange(headers=headers)
    before = exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), Environment(lambda: 0.0, lambda exchange: None))
    before.prepare(exchange)
    after = exchange.route
    assert (tries_again, tries_again, 0.5) == (before is after, after.retries.tries_again, after.retries.per_try_timeout)
    assert before.retries.tries_again and after.retry_policy == (policy if tries_again else attrs.evolve(policy, retry_on=()))
