"""TLS that fails where no access log tells of it."""

import pytest
from twisted.internet.task import Clock

from meshd.worker.downstream import Downstream
from meshd.worker.failed_handshakes import MINUTE, FailedHandshakes
from meshd.worker.wire.wheel import Wheel


class World:
    """What is told, and a clock."""

    def __init__(self):
        """Begin with nothing told."""
        self.clock = Clock()
        self.told = []
        self.failed = FailedHandshakes(Wheel(self.clock), self.told.append)

    def fail(self, port, failure="", name=""):
        """Have a client's handshake fail."""
        connection = Downstream(("10.0.0.1", 443), ("10.0.0.9", port), diverted=False, listener="0.0.0.0_443")
        connection.failure, connection.server_name = failure, name
        self.failed.note(connection)


@pytest.fixture
def world():
    """Give failures to tell of."""
    return World()


def test_the_first_is_told_at_once(world):
    """Who it was, what was asked for, where, and why."""
    world.fail(4000, "TLS_error|bad", "a.test")
    assert ["TLS failed with 10.0.0.9:4000 that asked for a.test, listener 0.0.0.0_443: TLS_error|bad"] == world.told


def test_many_make_a_line_a_minute(world):
    """A scanner cannot fill the log; nothing is told twice, and afterwards the next one is told at once again."""
    for port in range(4000, 5000):
        world.fail(port)
    world.clock.advance(MINUTE + 1)
    said = "listener 0.0.0.0_443: the client closed the connection, or took too long"
    assert [f"TLS failed with 10.0.0.9:4000, {said}", f"TLS failed 999 times more within a minute, the last with 10.0.0.9:4999, {said}"] == world.told
    world.clock.advance(MINUTE + 1)
    assert 2 == len(world.told)
    world.fail(6000)
    assert f"TLS failed with 10.0.0.9:6000, {said}" == world.told[-1]


def test_nothing_is_told_after_the_end(world):
    """No timer is left, however it was before."""
    world.failed.stop()
    world.fail(4000)
    world.fail(4001)
    world.failed.stop()
    world.clock.advance(3 * MINUTE)
    assert 1 == len(world.told)
    assert [] == world.clock.getDelayedCalls()
