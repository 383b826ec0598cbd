"""The end for a reason that only the operator can mend."""

import io
import sys

import pytest
from twisted.internet.error import ReactorNotRunning

from meshd.tap import giving_up
from meshd.tap.giving_up import fail, give_up


class Reactor:
    """A reactor that runs, or is about to."""

    def __init__(self, running):
        """Begin with nothing asked for."""
        self.running = running
        self.asked = []

    def addSystemEventTrigger(self, phase, event, call):
        """Remember a trigger."""
        self.asked.append((phase, event, call))

    def callWhenRunning(self, call):
        """Begin to run."""
        self.running = True
        call()

    def stop(self):
        """Stop, if it runs."""
        if not self.running:
            raise ReactorNotRunning
        self.asked.append("stop")


@pytest.mark.parametrize("running", [True, False])
def test_stops_with_the_reason(running, monkeypatch):
    """Whether the reactor runs already or not."""
    reactor, said = Reactor(running), io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", said)
    give_up(reactor, "meshd", "no nft here")
    assert ([("after", "shutdown", fail), "stop"], "meshd: no nft here\n") == (reactor.asked, said.getvalue())


def test_the_exit_status_says_so(monkeypatch):
    """After what was said is out."""
    ended = []
    monkeypatch.setattr(giving_up.os, "_exit", ended.append)
    fail()
    assert [1] == ended
