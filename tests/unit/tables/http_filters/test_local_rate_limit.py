"""The rate limit filter."""

import pytest

from meshd.codec.local_reply import begin_reply
from meshd.snapshot.header_changes import HeaderChange
from meshd.snapshot.http_filter import LocalRateLimit
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.http_filters.local_rate_limit import build_local_rate_limit
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from meshd.worker.token_buckets import TokenBuckets
from tests.helpers.exchanges import PlainExchange


def limit(tokens, **more):
    """Give a limit of so many requests a second, on for all."""
    return LocalRateLimit(**{"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": 1.0, "enabled_percent": 100.0,
                             "enforced_percent": 100.0, **more})


class Rig:
    """A filter whose time stands."""

    def __init__(self, config, randoms=()):
        self.went_on, self.randoms = [], list(randoms)
        self.environment = Environment(
            lambda: self.randoms.pop(0), lambda exchange: None, bucket=TokenBuckets("", 0, lambda: 9.0).bucket, place="listener 0",
        )
        self.filter = build_local_rate_limit(config, self.environment)
        self.step = self.filter.request(self.went_on.append)

    def route(self, own=(), host=()):
        """Give a route with settings of its own or of its virtual host."""
        route = Route("r", RouteMatch(), RouteAction("c"), filters=own)
        return build_entry(route, VirtualHost("h", ("*",), (route,), filters=host), RouteConfiguration("80"), self.environment)

    def ask(self, route=None, **request):
        """Give an exchange that came to the filter."""
        exchange = PlainExchange(**request)
        exchange.route = route
        self.step(exchange)
        return exchange

    def passed(self, count, route=None):
        """Tell how many of so many requests passed."""
        return sum(not self.ask(route).replies for _ in range(count))


def test_answers_what_is_too_much():
    """As Envoy does (F.limit): 429, RL, and the cluster is named in the log."""
    rig = Rig(limit(1, response_headers=(HeaderChange("X-Limit", "%REQ(:METHOD)%"),)))
    assert [] == rig.ask().replies
    [reply] = rig.ask().replies
    assert (429, "RL", "local_rate_limited", "local_rate_limited", (("x-limit", "GET"),), "") == (
        reply.status, reply.flags, reply.details, reply.body, reply.headers, reply.grpc_status)


@pytest.mark.parametrize(("more", "status", "grpc_status"), [({}, 429, ""), ({"status": 503, "resource_exhausted": True}, 503, "8")])
def test_the_answer_is_a_matter_of_settings(more, status, grpc_status):
    """Status, and what a gRPC client is told."""
    rig = Rig(limit(1, **more))
    rig.ask()
    [reply] = rig.ask().replies
    assert (status, grpc_status, ()) == (reply.status, reply.grpc_status, reply.headers)


def test_routes_and_virtual_hosts_have_limits_of_their_own():
    """In the place of the filter's; the routes of a virtual host share its bucket."""
    rig = Rig(limit(5))
    other = limit(9, name="other")
    narrow, one, two = rig.route((limit(1),), (limit(2), other)), rig.route(host=(limit(2), other)), rig.route(host=(limit(2),))
    assert [1, 2, 0, 5, 0] == [rig.passed(9, route) for route in (narrow, one, two, rig.route(), None)]


def test_a_filter_without_a_bucket_limits_nothing():
    """Nor does one that is on for no request; where it is so for a share, chance decides."""
    assert 3 == Rig(LocalRateLimit()).passed(3)
    assert 3 == Rig(limit(1, enabled_percent=0.0)).passed(3)
    assert 4 == Rig(limit(1, enabled_percent=50.0), (0.1, 0.6, 0.6, 0.6, 0.1)).passed(5)
    assert 3 == Rig(limit(1, enforced_percent=50.0), (0.1, 0.6, 0.6)).passed(4)


def test_what_is_not_enforced_is_marked():
    """By headers of the request."""
    rig = Rig(limit(1, enforced_percent=0.0, request_headers=(HeaderChange("x-over", "yes"),)), (0.0, 0.0))
    assert [None, b"yes"] == [rig.ask().request.headers.get(b"x-over") for _ in range(2)]


def test_tells_the_rate():
    """In every response, if it is told to (F.limit-headers)."""
    rig = Rig(limit(2, tells_rate=True))
    told = []
    for exchange in (rig.ask(), rig.ask(), rig.ask()):
        exchange.response = begin_reply(200)
        rig.filter.response(exchange)
        told.append(exchange.response.headers.pairs)
    assert [b"0", b"0", b"0"] == [pairs[1][1] for pairs in told]
    assert [(b"x-ratelimit-limit", b"2"), (b"x-ratelimit-remaining", b"0"), (b"x-ratelimit-reset", b"1")] == told[0]
    silent = Rig(limit(2))
    exchange = silent.ask()
    exchange.response = begin_reply(200)
    silent.filter.response(exchange)
    assert [] == exchange.response.headers.pairs
