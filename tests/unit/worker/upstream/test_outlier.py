"""Ejecting endpoints that fail."""

import attrs
import pytest
from twisted.internet.task import Clock

from meshd.snapshot.cluster import OutlierDetection
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.outlier import OutlierDetector
from meshd.worker.wire.wheel import Wheel

CONFIG = OutlierDetection(max_ejection_percent=100)


class Rig:
    """A detector over some endpoints, with a clock."""

    def __init__(self, config=CONFIG, endpoints=2, chance=0.0):
        """Watch endpoints."""
        self.clock = Clock()
        self.changes = 0
        self.detector = OutlierDetector(config, Wheel(self.clock), self.clock.seconds, lambda: chance, self._change)
        self.hosts = [UpstreamHost("10.0.0.1", number) for number in range(1, endpoints + 1)]
        self.detector.watch(self.hosts)

    def _change(self):
        self.changes += 1

    def answer(self, *statuses, host=0):
        """Have an endpoint answer."""
        for status in statuses:
            self.hosts[host].watch.answered(status)

    @property
    def ejected(self):
        """Places of ejected endpoints."""
        return [place for place, host in enumerate(self.hosts) if host.ejected]


@pytest.mark.parametrize(("settings", "statuses", "expected"), [
    ({}, [500] * 4, []),
    ({}, [500] * 5, [0]),
    ({}, [500] * 4 + [200] + [500] * 4, []),
    ({"consecutive_5xx": 2}, [503, 500], [0]),
    ({"consecutive_5xx": 0}, [500] * 9, []),
    ({"enforcing_5xx_percent": 0}, [500] * 9, []),
    ({"consecutive_gateway_failure": 2}, [502, 503], []),
    ({"consecutive_gateway_failure": 2, "enforcing_gateway_percent": 100}, [502, 503], [0]),
    ({"consecutive_gateway_failure": 2, "enforcing_gateway_percent": 100}, [502, 500, 504], []),
])
def test_ejects_after_errors_in_a_row(settings, statuses, expected):
    """Of either kind, where the kind counts; an answer without error begins anew."""
    rig = Rig(attrs.evolve(CONFIG, **settings))
    rig.answer(*statuses)
    assert (expected, len(expected)) == (rig.ejected, rig.changes)


@pytest.mark.parametrize(("split", "timed_out", "expected"), [(False, False, [0]), (False, True, [0]), (True, False, [0])])
def test_failures_without_an_answer_count(split, timed_out, expected):
    """As 503 or 504, or apart."""
    rig = Rig(attrs.evolve(CONFIG, split_local_origin=split))
    for _ in range(5):
        rig.hosts[0].watch.failed(timed_out)
    assert expected == rig.ejected


def test_counts_apart_do_not_mix():
    """With split counts a failure is no error of the endpoint's, and a connect undoes only failures."""
    rig = Rig(attrs.evolve(CONFIG, split_local_origin=True))
    watch = rig.hosts[0].watch
    for _ in range(4):
        watch.failed(False)
        watch.answered(500)
    watch.connected()
    watch.failed(False)
    assert [] == rig.ejected
    watch.answered(500)
    assert [0] == rig.ejected


def test_a_tcp_connection_undoes_all_failures():
    """Nothing more will be known of it."""
    rig = Rig()
    for _ in range(4):
        rig.hosts[0].watch.failed(False)
    rig.hosts[0].watch.succeeded()
    rig.hosts[0].watch.failed(False)
    assert [] == rig.ejected


@pytest.mark.parametrize(("endpoints", "percent", "always", "expected"), [
    (9, 10, False, 0), (10, 10, False, 1), (2, 49, False, 0), (2, 50, False, 1), (2, 49, True, 1), (3, 67, False, 2),
])
def test_the_share_after_an_ejection_is_within_the_limit(endpoints, percent, always, expected):
    """As Envoy 1.40 does; one may go whatever the limit, where that is asked for."""
    rig = Rig(attrs.evolve(CONFIG, max_ejection_percent=percent, always_eject_one=always), endpoints)
    for host in range(endpoints):
        rig.answer(*[500] * 5, host=host)
    assert expected == len(rig.ejected)


def test_ejections_grow_and_shrink():
    """The second lasts twice as long, up to the limit; an endpoint that was well for a while is forgiven."""
    rig = Rig(attrs.evolve(CONFIG, interval=1.0, base_ejection_time=3.0, max_ejection_time=5.0))
    lasted = []
    for _ in range(3):
        rig.answer(*[500] * 5)
        seconds = 0
        while rig.ejected:
            rig.clock.advance(1.02)
            seconds += 1
        lasted.append(seconds)
    assert [3, 5, 5] == lasted
    rig.clock.pump([1.02] * 5)
    rig.answer(*[500] * 5)
    rig.clock.pump([1.02] * 3)
    assert [] == rig.ejected


def test_leaves_no_timer():
    """Neither when everything has been forgiven, nor when it stops."""
    rig = Rig(attrs.evolve(CONFIG, interval=1.0, base_ejection_time=1.0))
    rig.answer(*[500] * 5)
    rig.clock.pump([1.02] * 4)
    assert [] == rig.clock.getDelayedCalls()
    rig.answer(*[500] * 5)
    rig.detector.stop()
    changes = rig.changes
    rig.clock.pump([1.02] * 4)
    assert ([], [], None, changes) == (rig.clock.getDelayedCalls(), rig.ejected, rig.hosts[0].watch, rig.changes)


def test_chance_decides_where_it_is_asked():
    """Above the enforcing percentage nothing happens."""
    rig = Rig(attrs.evolve(CONFIG, enforcing_5xx_percent=50), chance=0.6)
    rig.answer(*[500] * 5)
    assert [] == rig.ejected


def test_what_is_known_outlives_a_push():
    """Endpoints that stay keep their counts and their ejection."""
    rig = Rig()
    rig.answer(*[500] * 5)
    rig.answer(*[500] * 4, host=1)
    rig.detector.watch(rig.hosts)
    rig.answer(500, host=1)
    assert [0, 1] == rig.ejected


def test_an_ejected_endpoint_loses_its_connections():
    """They are closed once, when it is ejected (A.outlier); those made later stay."""
    rig = Rig()
    drained = []
    for host in rig.hosts:
        host.carriers.add(type("Connection", (), {"retire": lambda self, port=host.port: drained.append(port)})())
    rig.answer(*[500] * 9)
    assert [1] == drained


def test_a_count_begins_anew_where_it_could_not_eject():
    """Errors that go on eject the endpoint once there is place, without a success between."""
    rig = Rig(attrs.evolve(CONFIG, max_ejection_percent=50, interval=1.0, base_ejection_time=2.0))
    rig.answer(*[500] * 5)
    rig.answer(*[500] * 7, host=1)
    rig.clock.pump([1.02] * 3)
    between = rig.ejected
    rig.answer(*[500] * 2, host=1)
    still = rig.ejected
    rig.answer(500, host=1)
    assert ([], [], [1]) == (between, still, rig.ejected)


def test_growth_ends_at_the_longest_ejection():
    """After many ejections it takes no longer to be forgiven than after a few."""
    rig = Rig(attrs.evolve(CONFIG, interval=1.0, base_ejection_time=1.0, max_ejection_time=2.0))
    for _ in range(9):
        rig.answer(*[500] * 5)
        rig.clock.pump([1.02] * 2)
    assert rig.hosts[0].watch.ejections <= 3


def test_tells_which_endpoints_are_out_of_use():
    """Until their time is over."""
    rig = Rig()
    assert [] == rig.detector.ejected()
    rig.answer(*[500] * 5, host=1)
    assert ["10.0.0.1:2"] == rig.detector.ejected()
    rig.clock.advance(60)
    assert [] == rig.detector.ejected()
