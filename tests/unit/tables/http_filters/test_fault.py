"""The fault filter."""

import pytest

from meshd.snapshot.http_filter import Fault
from meshd.snapshot.match import HeaderMatch
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.http_filters.fault import build_fault
from meshd.tables.interfaces import Environment
from meshd.tables.route_entries import build_entry
from tests.helpers.exchanges import PlainExchange

ABORT = Fault(abort_status=555, abort_percent=100.0)


class Rig:
    """A fault filter whose random numbers and timers a test holds."""

    def __init__(self, config=None, randoms=()):
        self.randoms, self.timers, self.went_on, self.cancelled, self.named = list(randoms), [], [], [], []
        environment = Environment(lambda: self.randoms.pop(0) if self.randoms else 0.0, lambda exchange: None, self.named.append, after=self.after)
        self.step = build_fault(config or Fault(), environment).request(self.went_on.append)
        self.environment = environment

    def after(self, seconds, then):
        """Keep what is to happen."""
        self.timers.append((seconds, then))
        return self

    def cancel(self):
        """Note that it is not to happen."""
        self.cancelled.append(1)

    def ask(self, fault=None, headers=()):
        """Give an exchange of a route with faults that came to the filter."""
        exchange = PlainExchange(headers=headers)
        route = Route("r", RouteMatch(), RouteAction("c"), filters=(fault,) if fault else ())
        exchange.route = build_entry(route, VirtualHost("h", ("*",)), RouteConfiguration("80"), self.environment)
        self.step(exchange)
        return exchange


@pytest.mark.parametrize(("fault", "status", "grpc_status"), [(ABORT, 555, ""), (Fault(abort_grpc_status=14, abort_percent=100.0), 200, "14")])
def test_aborts(fault, status, grpc_status):
    """With the status of either kind, its flag, and the cluster in the log (F.abort, F.abort-grpc-status)."""
    rig = Rig()
    reply = rig.ask(fault).replies[0]
    assert (status, "FI", "fault_filter_abort", "fault filter abort", grpc_status) == (
        reply.status, reply.flags, reply.details, reply.body, reply.grpc_status)
    assert ([], 1) == (rig.went_on, len(rig.named))


@pytest.mark.parametrize(("random", "aborted"), [(0.0, True), (0.4999, True), (0.5, False), (0.99, False)])
def test_shares(random, aborted):
    """As many as the percentage says."""
    rig = Rig(randoms=[random])
    assert aborted == bool(rig.ask(Fault(abort_status=503, abort_percent=50.0)).replies)
    assert aborted != bool(rig.went_on)


def test_delays():
    """The request is held, then goes on; the flag says so (F.delay)."""
    rig = Rig()
    exchange = rig.ask(Fault(delay=0.5, delay_percent=100.0))
    assert ([], "DI", 0.5, 1) == (rig.went_on, exchange.flags, rig.timers[0][0], len(rig.named))
    rig.timers[0][1]()
    assert [exchange] == rig.went_on


def test_a_delayed_request_may_be_aborted():
    """Both are drawn for (F.delay-abort)."""
    rig = Rig()
    exchange = rig.ask(Fault(delay=0.5, delay_percent=100.0, abort_status=503, abort_percent=100.0))
    assert [] == exchange.replies
    rig.timers[0][1]()
    assert [503] == [reply.status for reply in exchange.replies]


def test_a_client_that_leaves_takes_the_timer_along():
    """What is to happen is cancelled (F.delay-client-gone)."""
    rig = Rig()
    exchange = rig.ask(Fault(delay=0.5, delay_percent=100.0))
    assert exchange.on_cancel is not None
    exchange.on_cancel()
    assert [1] == rig.cancelled


def test_only_requests_that_are_meant():
    """By headers; the filter's own settings hold where a route has none; a percentage of nothing is none."""
    meant = Fault(abort_status=503, abort_percent=100.0, headers=(HeaderMatch("x-f"),))
    rig = Rig(config=ABORT)
    assert ([], [503]) == tuple([reply.status for reply in rig.ask(meant, headers).replies] for headers in ((), ((b"x-f", b"1"),)))
    assert [555] == [reply.status for reply in rig.ask().replies]
    assert [] == rig.ask(Fault(abort_status=503)).replies + rig.ask(Fault(delay=1.0)).replies
