"""Tests of the limits of tries and the pauses between them."""

import pytest
from twisted.internet.task import Clock

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.route import RetryPolicy
from meshd.tables.retry_rules import RetryRules
from meshd.worker.tries import Pause, TryLimit
from meshd.worker.upstream.cluster import LiveCluster, Means
from meshd.worker.wire.wheel import Wheel
from tests.unit.worker.test_exchange import make

PER_TRY, IDLE = "upstream_per_try_timeout", "upstream_per_try_idle_timeout"


@pytest.fixture
def clock():
    """Give a clock."""
    return Clock()


def made(clock):
    """Give a cluster."""
    return LiveCluster(Cluster("c", "EDS"), None, Means(lambda: 0.0, Wheel(clock), clock.seconds))


def limited(clock, **times):
    """Give an exchange whose try is limited, and what was found too late, with the time."""
    exchange, late = make()[0], []
    TryLimit(exchange, RetryRules(RetryPolicy(**times)), Wheel(clock), clock.seconds, lambda exchange, why: late.append((why, clock.seconds())))
    return exchange, late


def pass_time(clock, seconds):
    """Let time pass in small steps."""
    for _ in range(round(seconds / 0.01)):
        clock.advance(0.01)


def test_a_pause_ends(clock):
    """The exchange is handed on, and waits no longer."""
    cluster, over = made(clock), []
    exchange = make()[0]
    pause = Pause(exchange, cluster, Wheel(clock), 0.1, over.append)
    before = (exchange.upstream, cluster.waiting)
    pass_time(clock, 0.2)
    assert ((pause, 1), [exchange], None, 0) == (before, over, exchange.upstream, cluster.waiting)


def test_a_pause_is_cancelled(clock):
    """Nothing stays scheduled."""
    cluster, over = made(clock), []
    Pause(make()[0], cluster, Wheel(clock), 0.1, over.append).cancel()
    pass_time(clock, 0.2)
    assert ([], 0, []) == (over, cluster.waiting, clock.getDelayedCalls())


def test_a_try_takes_too_long(clock):
    """At its timeout, once."""
    _, late = limited(clock, per_try_timeout=0.3)
    pass_time(clock, 1.0)
    assert [(PER_TRY, pytest.approx(0.31, abs=0.011))] == late


def test_an_answer_that_has_begun_may_go_on(clock):
    """The timeout of a try counts until its head comes."""
    exchange, late = limited(clock, per_try_timeout=0.3)
    pass_time(clock, 0.2)
    exchange.answered = True
    pass_time(clock, 1.0)
    assert ([], []) == (late, clock.getDelayedCalls())


def test_a_try_without_progress(clock):
    """Head and body are progress; at most an eighth late."""
    exchange, late = limited(clock, per_try_idle_timeout=0.4)
    pass_time(clock, 0.3)
    exchange.answered = True
    pass_time(clock, 0.3)
    exchange.bytes_sent = 10
    pass_time(clock, 1.0)
    assert [(IDLE, pytest.approx(1.03, abs=0.07))] == late


def test_the_shorter_time_counts(clock):
    """Whichever it is."""
    assert [PER_TRY, IDLE] == [
        (pass_time(clock, 1.0), late)[1][0][0]
        for late in (
            limited(clock, per_try_timeout=0.2, per_try_idle_timeout=0.4)[1], limited(clock, per_try_timeout=0.4, per_try_idle_timeout=0.2)[1],
        )
    ]


def test_a_try_that_is_over_is_not_looked_at(clock):
    """Cancelling the exchange's timer is enough."""
    exchange, late = limited(clock, per_try_timeout=0.3, per_try_idle_timeout=0.1)
    pass_time(clock, 0.05)
    exchange.try_timer.cancel()
    pass_time(clock, 1.0)
    assert ([], []) == (late, clock.getDelayedCalls())
