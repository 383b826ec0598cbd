"""Tests of the rule by which pairs go to the kernel and come back, with ways that do as they are told."""

import pytest
from twisted.internet.task import Clock

from meshd.worker import forwarding
from meshd.worker.direction import MESSAGE, MESSAGES
from meshd.worker.forwarding import FIRST_LOOK, SAMPLE, SETTLE, WITHIN, Forwarding, stays
from meshd.worker.wire.sockmap import CREDIT
from meshd.worker.wire.wheel import Wheel


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        ((100 * MESSAGES, MESSAGES), (0, 0), True),
        ((MESSAGE * MESSAGES, MESSAGES), (MESSAGE * MESSAGES, MESSAGES), True),
        ((0, MESSAGES // 2 - 1), (0, MESSAGES // 2), False),
        ((MESSAGE * MESSAGES + 1, MESSAGES), (100 * MESSAGES, MESSAGES), False),
        ((100 * MESSAGES, MESSAGES), (MESSAGE * MESSAGES + 1, MESSAGES), False),
        ((0, 0), (0, 0), False),
    ],
)
def test_who_stays(up, down, expected):
    """Enough segments, small ones each way, whatever there was before."""
    before = ((7, 3), (9, 4))
    now = tuple((one[0] + other[0], one[1] + other[1]) for one, other in zip(before, (up, down), strict=True))
    assert expected == stays(before, now)


class Source:
    """A stream that is asked how it is."""

    def __init__(self):
        self.code = 0
        self.lost = []
        self.watched = True

    def failure(self):
        """Give what the test has set."""
        return self.code

    def lose(self, code):
        """Note it."""
        self.lost.append(code)

    def unwatch(self):
        """Note it."""
        self.watched = False


class Way:
    """A direction and its way in the kernel at once."""

    made: list["Way"]
    refusal: OSError | None

    def __init__(self, maps, source, target, on_moved, on_event):
        if self.refusal is not None and len(self.made) == 1:
            raise self.refusal
        self.source = source
        self.on_event = on_event
        self.phase = "worker"
        self.forwarded = self.segments = self.cost = 0
        self.cookie = len(self.made)
        self.enters = self.renews = self.settles = True
        self.done = []
        self.made.append(self)

    def enter(self, moved):
        """Do as told."""
        self.phase = "kernel" if self.enters else "worker"
        return self.enters

    def renew(self):
        """Do as told."""
        self.done.append("renew")
        return self.renews

    def leave(self):
        """Wait until told to be settled."""
        self.phase = "settling" if self.phase == "kernel" else self.phase

    def settle(self):
        """Do as told."""
        if self.settles:
            self.phase = "worker"
        return self.settles

    def count(self):
        """Note it."""
        self.done.append("count")

    def forget(self):
        """Note it."""
        self.done.append("forget")


class Direction:
    """One way as the worker knows it."""

    def __init__(self):
        self.messages = self.moved = 0
        self.done = False
        self.spliceable = True
        self.source, self.target, self.count = Source(), Source(), None


class Maps:
    """Maps of a kernel that permits, or does not, what a worker does with them."""

    def __init__(self, refusal=None):
        self.refusal = refusal
        self.closed = False
        self.rung = []
        self.ways = self.bell = self
        self.descriptor = 99

    def get(self, key):
        """Give nothing, if that."""
        if self.refusal is not None:
            raise self.refusal

    def take(self):
        """Give the cookies of ways whose credit is used up."""
        return self.rung

    def close(self):
        """Note it."""
        self.closed = True


class Poller:
    """Remembers what is watched."""

    def __init__(self):
        self.watched = []

    def add(self, descriptor, watcher, events):
        """Note it."""
        self.watched.append(descriptor)

    def remove(self, descriptor):
        """Note it."""
        self.watched.remove(descriptor)


class Rig:
    """A pair that talks, and the kernel."""

    def __init__(self):
        self.clock = Clock()
        self.problems = []
        self.poller = Poller()
        self.forwarding = Forwarding(self.poller, Wheel(self.clock), self.clock.seconds, self.problems.append)
        self.maps = Maps()
        self.forwarding.use(self.maps)
        self.up, self.down = Direction(), Direction()
        self.pair = None

    def talk(self, messages=MESSAGES, back=MESSAGES):
        """Have the pair considered."""
        self.up.messages, self.down.messages = messages, back
        self.pair = self.forwarding.consider(self.pair, self.up, self.down)
        return self.forwarding.pairs

    def enter(self):
        """Have it become the kernel's."""
        self.talk()
        self.talk()
        assert 1 == self.forwarding.pairs
        return self.pair, *Way.made


@pytest.fixture
def rig(monkeypatch):
    """Give a rig whose ways are fakes."""
    monkeypatch.setattr(forwarding, "KernelWay", Way)
    Way.made, Way.refusal = [], None
    return Rig()


def test_a_pair_enters_when_it_is_chatty_twice_in_time(rig):
    """The kernel's pairs carry no bulk through pipes later."""
    assert 0 == rig.talk()
    rig.clock.advance(WITHIN)
    assert (1, False, False) == (rig.talk(), rig.up.spliceable, rig.down.spliceable)
    assert (0, 0) == (rig.up.messages, rig.down.messages)


def test_slow_one_way_or_ended_pairs_do_not(rig):
    """Nor any where there are no maps."""
    assert 0 == rig.talk()
    rig.clock.advance(WITHIN + 0.1)
    assert (0, 0) == (rig.talk(), rig.talk(back=MESSAGES // 2 - 1))
    rig.down.done = True
    assert 0 == rig.talk()
    rig.down.done = False
    rig.forwarding.stop()
    assert (0, True, []) == (rig.talk(), rig.maps.closed, rig.poller.watched)


def test_bytes_in_the_way(rig):
    """One way that cannot enter takes the other back; the next run of messages is another chance."""
    rig.enter()
    rig.pair.leave()
    _, down = Way.made
    down.enters = False
    assert (0, ["worker", "worker"]) == (rig.talk(), [way.phase for way in Way.made])
    down.enters = True
    assert 1 == rig.talk()


def test_a_kernel_that_refuses_a_pair(rig):
    """It is not asked again for this one."""
    Way.refusal = OSError("full")
    rig.talk()
    assert (0, 0, 1) == (rig.talk(), rig.talk(), len(Way.made))


def looks_within(rig, seconds, up, spend=0):
    """Let time pass, with something spent in each hundredth of a second; gives how often the way's credit was renewed."""
    before = up.done.count("renew")
    for _ in range(round(seconds / FIRST_LOOK)):
        up.cost += spend
        up.segments += MESSAGES
        rig.clock.advance(FIRST_LOOK)
    return up.done.count("renew") - before


def test_credit_is_renewed_before_it_is_used_up(rig):
    """Soon at first, then the sooner the more is forwarded, at the latest after a sample's time."""
    _, up, down = rig.enter()
    assert 5 <= looks_within(rig, 1.0, up) <= 7
    assert 2 <= looks_within(rig, 3.0, up) <= 3
    assert 9 <= looks_within(rig, 3.0, up, CREDIT // 80) <= 16
    assert up.done == down.done


def test_a_look_that_finds_too_little_takes_the_pair_back(rig):
    """So does credit that is used up, and the bell."""
    for how in ("little", "void", "bell"):
        Way.made.clear()
        rig.pair = None
        _, up, _ = rig.enter()
        if how == "void":
            up.renews = False
        if how == "bell":
            rig.maps.rung = [up.cookie, 12345]
            rig.forwarding.on_events(1)
        else:
            for _ in range(round(2.5 * SAMPLE / FIRST_LOOK)):
                rig.clock.advance(FIRST_LOOK)
        assert ({}, "worker") == (rig.forwarding.ways, up.phase), how
        assert 0 == looks_within(rig, 2.0, up), how


def test_each_way_settles_by_itself(rig):
    """It is looked at until it has."""
    pair, up, down = rig.enter()
    up.settles = False
    pair.leave()
    assert ("settling", "worker") == (up.phase, down.phase)
    up.settles = True
    rig.clock.advance(SETTLE * 3)
    assert "worker" == up.phase


def test_events(rig):
    """A failure ends the pair, an end takes it back, and the end of both ways is not reported for ever."""
    _, up, down = rig.enter()
    up.settles = False
    down.on_event(down)
    assert (0, "settling", "worker") == (rig.forwarding.pairs, up.phase, down.phase)
    up.on_event(up)
    assert not up.source.watched
    up.source.code = 104
    up.on_event(up)
    assert [104] == up.source.lost


def test_the_end(rig):
    """Counted and forgotten; nothing stays scheduled."""
    pair, up, down = rig.enter()
    pair.count()
    pair.end()
    pair.end()
    assert (["count", "forget"], ["count", "forget"], 0) == (up.done, down.done, rig.forwarding.pairs)
    assert 0 == looks_within(rig, 2.0, up)


def test_the_first_maps_are_kept(rig):
    """Those of a control plane that came later are closed."""
    later = Maps()
    rig.forwarding.use(later)
    assert (True, False) == (later.closed, rig.maps.closed)


def test_maps_that_a_worker_may_not_touch():
    """It says so, and goes on without."""
    problems, maps = [], Maps(PermissionError(1, "Operation not permitted"))
    worker = Forwarding(Poller(), Wheel(Clock()), Clock().seconds, problems.append)
    worker.use(maps)
    assert (None, True, 1) == (worker.maps, maps.closed, len(problems))
