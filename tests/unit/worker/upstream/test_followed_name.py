"""Tests of names that are looked up again and again, against a real server; only the time is made up."""

import pytest
from twisted.internet.task import Clock

from meshd.worker.upstream.followed_name import LOOKUP_LIMIT, FollowedName, LookupMeans, Question
from meshd.worker.upstream.lookup_limits import HOLD, LookupLimits
from meshd.worker.upstream.resolver import AAAA, A, MachineResolver
from meshd.worker.wire.wheel import Wheel
from tests.helpers.name_server import NameServer, a, aaaa

MINUTE = Question("db.test", "V4_ONLY", 60.0, False)
TTL = Question("db.test", "V4_ONLY", 60.0, True)


class Follower:
    """A name that is followed, and what is needed for that."""

    def __init__(self, tmp_path):
        self.server = NameServer()
        self.clock = Clock()
        self.problems = []
        self.changes = 0
        resolver = MachineResolver(self.server.reactor, [self.server.place], hosts_file=str(tmp_path / "hosts"))
        wheel = Wheel(self.clock)
        self.means = LookupMeans(resolver.look_up, wheel, self.clock.seconds, self.problems.append, LookupLimits(wheel, 1, 1))
        self.name = None

    def answer(self, *addresses, ttl=30):
        """Have the server answer from now on."""
        self.server.answers["db.test"] = [(aaaa if ":" in address else a)("db.test", address, ttl) for address in addresses]

    def follow(self, question=MINUTE):
        """Begin."""
        self.name = FollowedName(question, self.means, self.changed)
        self.name.look()
        self.settle()

    def changed(self):
        """Count."""
        self.changes += 1

    def settle(self):
        """Wait until the lookup is over."""
        self.server.turn_until(lambda: self.name._timer is not None)

    def after(self, seconds):
        """Let time pass, and give how often the server was asked in it."""
        before = len(self.server.asked)
        self.clock.advance(seconds)
        self.settle()
        return len(self.server.asked) - before


@pytest.fixture(name="follower")
def _follower(tmp_path):
    """Give one."""
    made = Follower(tmp_path)
    yield made
    if made.name is not None:
        made.name.stop()
    made.clock.advance(90000.0)
    assert [] == made.clock.getDelayedCalls()
    made.server.close()


def test_a_name_is_looked_up_at_once_and_after_the_refresh_rate(follower):
    """A change is told of; the same answer is none."""
    follower.answer("10.0.0.1", "10.0.0.2")
    follower.follow()
    assert (("10.0.0.1", "10.0.0.2"), 1) == (follower.name.addresses, follower.changes)
    assert (0, 1, 1) == (follower.after(59.0), follower.after(2.0), follower.changes)
    follower.answer("10.0.0.3")
    assert (1, ("10.0.0.3",), 2) == (follower.after(61.0), follower.name.addresses, follower.changes)


@pytest.mark.parametrize(("ttl", "early", "late"), [(30, 29, 2), (0, 59, 2), (400000, 86399, 2)])
def test_records_hold_as_long_as_they_say(follower, ttl, early, late):
    """Without a word, for the refresh rate; never for more than a day."""
    follower.answer("10.0.0.1", ttl=ttl)
    follower.follow(TTL)
    assert (0, 1) == (follower.after(early), follower.after(late))


def test_a_failure_keeps_the_addresses_and_tries_again_soon(follower):
    """After one second, two, four; it is told of once, and so is its end."""
    follower.answer("10.0.0.1")
    follower.follow()
    follower.server.failing = True
    follower.after(61.0)
    assert (1, 0, 1, ("10.0.0.1",)) == (follower.after(1.2), follower.after(1.5), follower.after(1.0), follower.name.addresses)
    follower.server.failing = False
    follower.after(5.0)
    first, last = follower.problems
    assert first.startswith("the name db.test cannot be looked up: ")
    assert "the name db.test is looked up again" == last


def test_an_answer_without_addresses_is_an_answer(follower):
    """No such name: what is balanced over every address has none, what goes to the first one keeps it."""
    follower.answer("10.0.0.1")
    follower.follow()
    del follower.server.answers["db.test"]
    follower.after(61.0)
    assert ((), ("10.0.0.1",), 2) == (follower.name.addresses, follower.name.last_addresses, follower.changes)
    assert ["the name db.test cannot be looked up: it has no addresses"] == follower.problems


def test_a_lookup_without_an_end_is_given_up(follower):
    """And leaves room for the next, which waits with others that fail only."""
    follower.server.silent = True
    follower.name = FollowedName(MINUTE, follower.means, follower.changed)
    follower.name.look()
    follower.server.turn_until(lambda: follower.server.asked)
    follower.clock.advance(LOOKUP_LIMIT + 1)
    assert (["the name db.test cannot be looked up: no server answers"], (1, 1)) == (follower.problems, follower.means.limits.free)
    follower.clock.advance(HOLD)
    assert (1, 0) == follower.means.limits.free


def test_a_stopped_name_is_over(follower):
    """In the midst of a lookup, and while it waits for its turn."""
    follower.answer("10.0.0.1")
    first, second = (FollowedName(MINUTE, follower.means, follower.changed) for _ in range(2))
    first.look()
    second.look()
    second.stop()
    first.stop()
    assert (0, [], (1, 1)) == (follower.changes, follower.problems, follower.means.limits.free)


@pytest.mark.parametrize(
    ("family", "addresses", "expected", "asked"),
    [
        ("ALL", ("10.0.0.1", "fd00::1"), ("10.0.0.1", "fd00::1"), [A, AAAA]), ("AUTO", ("10.0.0.1", "fd00::1"), ("fd00::1",), [AAAA]),
        ("AUTO", ("10.0.0.1",), ("10.0.0.1",), [AAAA, A]), ("V4_PREFERRED", ("10.0.0.1", "fd00::1"), ("10.0.0.1",), [A]),
        ("V6_ONLY", ("10.0.0.1", "fd00::1"), ("fd00::1",), [AAAA]), ("V4_ONLY", ("fd00::1",), (), [A]),
    ],
)
def test_the_family_says_what_is_asked_for(follower, family, addresses, expected, asked):
    """Both kinds, one of them, or the second where there is none of the first."""
    follower.answer(*addresses)
    follower.follow(Question("db.test", family, 60.0, False))
    assert (expected, asked) == (follower.name.addresses, [kind for _, kind in follower.server.asked])
