"""What filters do with requests, told plainly."""

import attrs
import pytest

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.filters import explain_filters
from meshd.snapshot.http_filter import Cors, CorsPolicy, Fault, LocalRateLimit, Router
from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteMatch, VirtualHost

GOOD = CorsPolicy((StringMatch("exact", "http://good.test"),), "GET", allow_credentials=True, expose_headers="x-c")
ASKS = (("origin", "http://good.test"), ("access-control-request-method", "GET"))
OTHER = (("origin", "http://bad.test"), ASKS[1])


def told(*filters, headers=(), method="GET", own=None):
    """Give what filters answer, and the answer so far."""
    answer = Answer()
    manager = HttpConnectionManager("x", http_filters=(own or Fault(), Cors(), Router()))
    route = Route("r", RouteMatch(), RouteAction("c"), filters=filters)
    call = Call(headers=headers, method=method)
    return explain_filters(manager, VirtualHost("h", ("*",)), route, call, "/", answer), answer


@pytest.mark.parametrize(("fault", "expected"), [
    (Fault(abort_status=555, abort_percent=100.0), (555, "FI", "-")),
    (Fault(abort_grpc_status=14, abort_percent=100.0), (200, "FI", "-")),
    (Fault(delay=1.0, delay_percent=100.0, abort_status=503, abort_percent=100.0), (503, "FI", "DI")),
    (Fault(abort_status=555, abort_percent=50.0), None),
    (Fault(abort_status=555, abort_percent=100.0, headers=(HeaderMatch("x-f"),)), None),
])
def test_faults(fault, expected):
    """At 100 percent they are certain; below they are told of."""
    reply, answer = told(fault)
    assert expected == (None if reply is None else (reply.status, reply.flags, answer.response_flags))
    assert ["fault"] == sorted({step.step for step in answer.steps})


def test_the_filter_has_settings_of_its_own():
    """Which hold where a route has none."""
    own = Fault(abort_status=555, abort_percent=100.0)
    assert ([555, None]) == [reply.status if reply else None for reply, _ in (told(own=own), told(Fault(), own=own))]


@pytest.mark.parametrize(("policy", "headers", "expected"), [
    (GOOD, ASKS, ("origin", "credentials", "methods", "headers")),
    (GOOD, OTHER, None),
    (GOOD, ASKS[:1], None),
    (GOOD, (), None),
    (CorsPolicy(allow_methods="GET", forward_not_matching_preflights=False), OTHER, ("methods",)),
])
def test_preflight_requests(policy, headers, expected):
    """Answered with what is allowed, or forwarded."""
    reply, answer = told(policy, headers=headers, method="OPTIONS")
    assert expected == (None if reply is None else tuple(name.rpartition("-")[2] for name, _ in answer.response_headers))


LIMIT = LocalRateLimit("a", max_tokens=5, tokens_per_fill=10, fill_interval=60.0, enabled_percent=100.0, enforced_percent=100.0)


@pytest.mark.parametrize(("filters", "own", "expected"), [
    ((), LIMIT, ["a lets pass 10 requests in 60 seconds, 5 of them at once; others are answered with status 429"]),
    ((LIMIT,), LocalRateLimit("a"), ["a lets pass 10 requests in 60 seconds, 5 of them at once; others are answered with status 429"]),
    ((attrs.evolve(LIMIT, enforced_percent=50.0),), LIMIT,
     ["a lets pass 10 requests in 60 seconds, 5 of them at once; others are answered with status 429 to 50 percent"]),
    ((attrs.evolve(LIMIT, name="b"),), LocalRateLimit("a"), []),
    ((attrs.evolve(LIMIT, enabled_percent=0.0),), LIMIT, []),
])
def test_limits(filters, own, expected):
    """They are told of; whether a request is one too many is no matter of configuration."""
    reply, answer = told(*filters, own=own)
    assert None is reply
    assert expected == [step.why for step in answer.steps if step.step == "local_ratelimit"]
