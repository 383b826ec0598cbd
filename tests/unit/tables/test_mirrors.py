"""Which requests are copied, and what a copy says."""

from types import SimpleNamespace

import pytest

from meshd.codec.headers import Headers
from meshd.codec.http_events import unread_request
from meshd.snapshot.route import Mirror, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import Environment
from meshd.tables.mirrors import LONGEST, shadow_authority
from meshd.tables.route_entries import build_entry


@pytest.mark.parametrize(("authority", "expected"), [
    (b"h.test", b"h.test-shadow"), (b"h.test:80", b"h.test-shadow:80"), (b"h.test:", b"h.test-shadow:"), (b"", b"-shadow"),
    (b"[::1]", b"[::1]-shadow"), (b"[::1]:80", b"[::1]-shadow:80"),
])
def test_says_that_it_is_a_copy(authority, expected):
    """Before the port, as Envoy has it."""
    assert expected == shadow_authority(authority)


def play(mirrors, draws=(), upgrade=b"", prepare_host="", timeout=0.0, asked=0.0):
    """Give the clusters that a request is copied to, with the rules."""
    copied, drawn = [], list(draws)
    environment = Environment(
        lambda: drawn.pop(0), lambda exchange: None, own_address="10.0.0.1",
        mirror=lambda exchange, rules: copied.append((rules.cluster, exchange.request.authority, rules)),
    )
    action = RouteAction("main", mirrors=mirrors, host_rewrite=prepare_host, timeout=timeout)
    host = VirtualHost("vh", ("*",))
    entry = build_entry(Route("r", RouteMatch(), action), host, RouteConfiguration("rc", (host,)), environment)
    request = unread_request()
    request.authority, request.upgrade = b"h.test", upgrade
    exchange = SimpleNamespace(request=request, route=entry, path=b"/", quiet=False, host="h.test")
    if asked:
        exchange.route = entry.copy()
        exchange.route.timeout = asked
    if entry.prepare is not None:
        entry.prepare(exchange)
    assert not drawn
    return copied, exchange


def names(copied):
    """Give the clusters."""
    return [cluster for cluster, _, _ in copied]


def test_without_mirrors_nothing_is_done():
    """Nor where no request is mirrored."""
    for mirrors in ((), (Mirror("m", 0.0),)):
        copied, exchange = play(mirrors)
        assert ([], None) == (copied, exchange.route.prepare)


@pytest.mark.parametrize(("draws", "expected"), [((0.05,), ["a", "b", "all"]), ((0.1,), ["b", "all"]), ((0.5,), ["all"]), ((0.999,), ["all"])])
def test_one_number_decides_for_all(draws, expected):
    """What goes to a smaller part is among the larger one, as with Envoy."""
    assert expected == names(play((Mirror("a", 10.0), Mirror("b", 50.0), Mirror("all"), Mirror("none", 0.0)), draws)[0])


def test_copies_what_is_forwarded():
    """After the route's changes; not what asks to switch protocols."""
    assert [b"other.test"] == [authority for _, authority, _ in play((Mirror("m"),), prepare_host="other.test")[0]]
    assert [] == play((Mirror("m"),), upgrade=b"websocket")[0]


@pytest.mark.parametrize(("timeout", "asked", "expected"), [(0.0, 0.0, LONGEST), (2.0, 0.0, 2.0), (2.0, 0.5, 0.5), (0.0, 0.5, 0.5)])
def test_has_the_time_of_its_original(timeout, asked, expected):
    """Or at most five minutes where that has all the time in the world; it is never tried again."""
    ((_, _, rules),), exchange = play((Mirror("m"),), timeout=timeout, asked=asked)
    route = rules.route_for(exchange)
    assert (expected, True, None, 0, None) == (route.timeout, route.limited, route.retries, route.timed, route.prepare)
    assert timeout == exchange.route.timeout or asked


@pytest.mark.parametrize(("before", "after"), [
    ([], [(b"x-envoy-internal", b"true"), (b"x-forwarded-for", b"10.0.0.1")]),
    ([(b"x-forwarded-for", b"1.1.1.1"), (b"x-envoy-internal", b"false"), (b"x-forwarded-for", b"2.2.2.2")],
     [(b"x-forwarded-for", b"1.1.1.1,2.2.2.2,10.0.0.1"), (b"x-envoy-internal", b"true")]),
])
def test_is_passed_on_by_us(before, after):
    """Its head tells so; the original's stays as it is."""
    ((_, _, rules),), _ = play((Mirror("m", shadow_suffix=False),))
    request = unread_request()
    request.authority, request.headers = b"h.test", Headers(list(before))
    head = rules.head_for(request)
    assert (b"h.test", after, before) == (head.authority, head.headers.pairs, request.headers.pairs)
