"""Tests of who gets maps, and what is said where there are none."""

import errno

import pytest
from twisted.internet.defer import fail, succeed

from meshd.control.forwarding import KernelForwarding


class Maps:
    """Maps that remember whether they are closed."""

    def __init__(self):
        self.closed = False

    def close(self):
        """Note it."""
        self.closed = True


class Link:
    """A worker that answers at once."""

    def __init__(self, answer):
        self.answer = answer
        self.taken = []

    def forward(self, maps):
        """Take maps while they are open."""
        assert not maps.closed
        self.taken.append(maps)
        return self.answer


@pytest.fixture
def made():
    """Give the maps that were made."""
    return []


@pytest.fixture
def make(made):
    """Give a maker of maps."""
    def build():
        made.append(Maps())
        return made[-1]

    return build


def test_each_worker_gets_its_own(make, made):
    """After one trial; ours are closed once they have theirs, or are gone."""
    tried = []
    forwarding = KernelForwarding(make, tried.append)
    links = [Link(succeed({})), Link(fail(ConnectionError("gone")))]
    for link in links:
        forwarding.give(link)
    assert ([made[0]], [made[1]], [made[2]]) == (tried, links[0].taken, links[1].taken)
    assert all(maps.closed for maps in made)
    assert {"state": "on", "reason": ""} == forwarding.status()


def test_off(make, made):
    """Nothing is tried."""
    forwarding = KernelForwarding(make, made.append, "off")
    forwarding.give(Link(None))
    assert [] == made


def test_not_permitted():
    """It is asked once."""
    asked = []

    def refuse():
        asked.append(1)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    forwarding = KernelForwarding(refuse)
    forwarding.give(Link(None))
    forwarding.give(Link(None))
    assert ([1], {"state": "not possible", "reason": "Operation not permitted"}) == (asked, forwarding.status())


def test_a_trial_that_fails(make, made):
    """Nobody gets maps whose program does not do what it should."""
    def attempt(maps):
        raise OSError(errno.EIO, "a trial lost or doubled bytes")

    forwarding = KernelForwarding(make, attempt)
    forwarding.give(Link(None))
    assert ("not possible", "a trial lost or doubled bytes", [True]) == (forwarding.state, forwarding.reason, [maps.closed for maps in made])
