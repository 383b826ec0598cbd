"""Conversations with workloads are bounded."""

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from meshd.registry.probes.target import LINGER, MOST_BYTES, Conversation, Target


def conversation(read=lambda data: None):
    """Begin a conversation; give it, its transport and what it comes to."""
    clock = Clock()
    found, transport, verdicts = Conversation(clock, b"hello", read), StringTransport(), []
    transport.clock = clock
    found.verdict.addBoth(verdicts.append)
    found.makeConnection(transport)
    return found, transport, verdicts


def test_speaks_reads_and_lingers():
    """The verdict is there at once; the rest of the answer is thrown away until its end, or for a while."""
    seen = []
    found, transport, verdicts = conversation(lambda data: seen.append(data) or ("fine" if len(seen) == 2 else None))
    for piece in (b"a", b"b", b"c"):
        found.dataReceived(piece)
    assert (b"hello", ["fine"], [b"a", b"b"], False) == (transport.value(), verdicts, seen, transport.disconnected)
    transport.clock.advance(LINGER)
    assert (True, ["fine"]) == (transport.disconnected, verdicts)


def test_an_answer_that_ends_after_the_verdict():
    """Nothing is left of it; one that does not is cut all the same."""
    found, transport, verdicts = conversation(lambda data: "")
    found.dataReceived(b"a")
    found.connectionLost(Failure(ConnectionDone()))
    assert ([""], []) == (verdicts, transport.clock.getDelayedCalls())
    found, transport, verdicts = conversation(lambda data: "")
    found.dataReceived(b"a")
    found.dataReceived(b"x" * MOST_BYTES)
    assert ([""], [], True) == (verdicts, transport.clock.getDelayedCalls(), transport.disconnected)


def test_an_answer_that_never_ends_is_cut():
    """More than the bound is no answer."""
    found, transport, verdicts = conversation()
    found.dataReceived(b"x" * MOST_BYTES)
    assert [] == verdicts
    found.dataReceived(b"x")
    assert [f"expected an answer within {MOST_BYTES} bytes, got more"] == verdicts
    assert transport.disconnected


def test_a_connection_that_ends_is_a_verdict():
    """It tells why."""
    found, _, verdicts = conversation()
    found.connectionLost(Failure(ConnectionDone()))
    assert ["the connection ended before there was an answer: Connection was closed cleanly."] == verdicts


def test_cancelling_hangs_up():
    """What comes later counts for nothing."""
    found, transport, verdicts = conversation(lambda data: "fine")
    found.verdict.cancel()
    found.dataReceived(b"late")
    assert transport.disconnected
    assert [True] == [failure.check(CancelledError) is CancelledError for failure in verdicts]


@pytest.mark.parametrize(("host", "expected"), [("", "10.0.0.1"), ("web.example", "web.example"), ("bücher.example", "xn--bcher-kva.example")])
def test_an_endpoint_is_at_the_probes_host_or_the_workload(host, expected):
    """Names beyond ASCII are written as DNS has them."""
    found = Target(MemoryReactorClock(), "10.0.0.1").endpoint(host, 80)
    assert isinstance(found, HostnameEndpoint)
    assert expected in repr(found)
