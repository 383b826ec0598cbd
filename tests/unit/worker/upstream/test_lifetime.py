"""Tests of how long pooled connections live."""

from twisted.internet.task import Clock

from meshd.worker.upstream.lifetime import Lifetime
from meshd.worker.wire.wheel import Wheel


class Connection:
    """A connection that notes when it is retired."""

    def __init__(self, clock):
        self.clock = clock
        self.idle_since = clock.seconds()
        self.busy = False
        self.retired = []

    def is_busy(self):
        """Tell what a test has set."""
        return self.busy

    def retire(self):
        """Note it."""
        self.retired.append(self.clock.seconds())


def watched(idle=0.0, duration=0.0):
    """Give a clock, a connection, and its lifetime."""
    clock = Clock()
    connection = Connection(clock)
    return clock, connection, Lifetime(connection, Wheel(clock), clock.seconds, idle, duration)


def pass_time(clock, seconds):
    """Let time pass in small steps."""
    for _ in range(round(seconds / 0.01)):
        clock.advance(0.01)


def test_an_idle_connection_ends():
    """At the idle timeout, to the wheel's grain, and nothing stays scheduled."""
    clock, connection, _ = watched(idle=0.5)
    pass_time(clock, 0.49)
    before = list(connection.retired)
    pass_time(clock, 0.1)
    assert ([], 1, []) == (before, len(connection.retired), clock.getDelayedCalls())
    assert 0.5 <= connection.retired[0] <= 0.52


def test_a_busy_connection_is_not_idle():
    """The idle time counts from the end of its last exchange."""
    clock, connection, _ = watched(idle=0.5)
    connection.busy = True
    pass_time(clock, 2.2)
    connection.busy = False
    connection.idle_since = clock.seconds()
    pass_time(clock, 1.0)
    assert 2.7 <= connection.retired[0] <= 2.73


def test_a_used_connection_lives_on():
    """Exchanges between two looks count, too."""
    clock, connection, _ = watched(idle=0.5)
    pass_time(clock, 0.4)
    connection.idle_since = clock.seconds()
    pass_time(clock, 1.0)
    assert 0.9 <= connection.retired[0] <= 0.93


def test_an_old_connection_ends():
    """Busy or not, once."""
    clock, connection, _ = watched(idle=0.5, duration=1.0)
    connection.busy = True
    pass_time(clock, 5.0)
    assert 1 == len(connection.retired) and 1.0 <= connection.retired[0] <= 1.02


def test_stop_leaves_no_timer():
    """A closed connection is not looked at."""
    clock, connection, lifetime = watched(idle=0.5, duration=1.0)
    lifetime.stop()
    lifetime.stop()
    pass_time(clock, 2.0)
    assert ([], []) == (connection.retired, clock.getDelayedCalls())
