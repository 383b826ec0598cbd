"""Conversations with workloads are bounded."""

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from meshd.registry.probes.target import MOST_BYTES, Conversation, Target


def conversation(read=lambda data: None):
    """Begin a conversation; give it, its transport and what it comes to."""
    found, transport, verdicts = Conversation(b"hello", read), StringTransport(), []
    found.verdict.addBoth(verdicts.append)
    found.makeConnection(transport)
    return found, transport, verdicts


def test_speaks_reads_and_hangs_up():
    """The verdict ends it, and nothing is read after that."""
    seen = []
    found, transport, verdicts = conversation(lambda data: seen.append(data) or ("fine" if len(seen) == 2 else None))
    for piece in (b"a", b"b", b"c"):
        found.dataReceived(piece)
    assert (b"hello", ["fine"], [b"a", b"b"], True) == (transport.value(), verdicts, seen, transport.disconnected)


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
