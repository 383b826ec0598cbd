"""The CORS filter."""

import pytest

from meshd.codec.local_reply import begin_reply
from meshd.snapshot.http_filter import Cors, CorsPolicy
from meshd.snapshot.match import StringMatch
from meshd.snapshot.route import DirectResponse, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.http_filters.cors import build_cors, build_rules
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

GOOD = (StringMatch("exact", "http://good.test"),)
POLICY = CorsPolicy(GOOD, "GET,POST", "x-a,x-b", "x-c", "86400", allow_credentials=True)
STRICT = CorsPolicy(GOOD, "GET,POST", forward_not_matching_preflights=False)
OURS, THEIRS = (b"origin", b"http://good.test"), (b"origin", b"http://bad.test")
ASKS = (b"access-control-request-method", b"POST")
ENVIRONMENT = Environment(lambda: 0.5, lambda exchange: None)
MARKED = [
    ("access-control-allow-origin", "http://good.test"), ("access-control-allow-credentials", "true"), ("access-control-expose-headers", "x-c"),
]


def ask(policy, headers, method=b"GET", action=None):
    """Give an exchange that passed the filter, whether it went on, and the header lines that its response got."""
    went_on = []
    exchange = PlainExchange(headers=headers, method=method)
    route = Route("r", RouteMatch(), action or RouteAction("c"), filters=(policy,))
    exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), ENVIRONMENT)
    made = build_cors(Cors(), ENVIRONMENT)
    made.request(went_on.append)(exchange)
    exchange.response = begin_reply(200)
    made.response(exchange)
    return exchange, bool(went_on), [(name.decode(), value.decode()) for name, value in exchange.response.headers.pairs]


def test_preflight_requests_are_answered():
    """With what is allowed, in Envoy's order; what may be read is said as in other responses (F.cors-preflight)."""
    exchange, went_on, marks = ask(POLICY, (OURS, ASKS), b"OPTIONS")
    (reply,) = exchange.replies
    assert (False, 200, "", "cors_response", "never", MARKED) == (went_on, reply.status, reply.flags, reply.details, reply.changes, marks)
    assert reply.headers == (
        *MARKED[:2], ("access-control-allow-methods", "GET,POST"), ("access-control-allow-headers", "x-a,x-b"), ("access-control-max-age", "86400"),
    )


@pytest.mark.parametrize(("policy", "headers", "method", "marks"), [
    (POLICY, (OURS,), b"GET", MARKED),
    (POLICY, (OURS,), b"OPTIONS", MARKED),
    (POLICY, (OURS, (ASKS[0], b"")), b"OPTIONS", MARKED),
    (POLICY, (THEIRS, ASKS), b"OPTIONS", []),
    (POLICY, (THEIRS,), b"GET", []),
    (POLICY, (OURS, THEIRS), b"GET", []),
    (POLICY, ((b"origin", b""),), b"GET", []),
    (POLICY, (), b"GET", []),
    (CorsPolicy(GOOD, enabled_percent=50.0), (OURS,), b"GET", []),
    (CorsPolicy((StringMatch("exact", "*"),)), (THEIRS,), b"GET", [("access-control-allow-origin", "http://bad.test")]),
])
def test_other_requests_go_on(policy, headers, method, marks):
    """Responses for origins that are allowed say so; others say nothing."""
    exchange, went_on, found = ask(policy, headers, method)
    assert ([], True, marks) == (exchange.replies, went_on, found)


def test_preflight_requests_that_are_not_forwarded():
    """Are told what would be allowed, but not to whom (F.cors-preflight-ignore)."""
    exchange, went_on, marks = ask(STRICT, (THEIRS, ASKS), b"OPTIONS")
    assert (False, []) == (went_on, marks)
    assert [(("access-control-allow-methods", "GET,POST"),)] == [reply.headers for reply in exchange.replies]


def test_routes_that_answer_themselves_are_left_alone():
    """As Envoy does."""
    assert True is ask(POLICY, (OURS, ASKS), b"OPTIONS", DirectResponse(200))[1]


def test_policies_add_up():
    """A route's says first; what it leaves open the virtual host says."""
    rules = build_rules((CorsPolicy(allow_methods="PUT", max_age="5", allow_credentials=False), POLICY))
    assert (True, (), MARKED[2:]) == (rules.allow(b"http://good.test"), rules.credentials, list(rules.exposed))
    assert ["PUT", "x-a,x-b", "5"] == [value for _, value in rules.preflight]
