"""Tests of what a worker's connections share."""

from tests.helpers.worker_rig import WALL, Rig


def test_shares_one_of_each_and_stops_them():
    """Clocks are the given ones; nothing is scheduled after `stop`."""
    rig = Rig()
    resources = rig.resources
    rig.clock.advance(2.0)
    times = (resources.seconds(), resources.wall_clock())
    resources.wheel.after(1.0, rig.clock.seconds)
    rig.close()
    assert ((2.0, WALL + 2.0), [], False) == (times, rig.clock.getDelayedCalls(), resources.draining)
