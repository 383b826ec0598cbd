"""What strangers may ask."""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from meshd.registry import bounds
from meshd.registry.bounds import BURST, MOST_BODY, RATE, TOO_LARGE, BoundedFactory, BoundedRequest, Rates


def test_a_rate_for_each_address(monkeypatch):
    """A burst, then so many a second; what was not used does not gather."""
    now = [100.0]
    rates = Rates(lambda: now[0])
    assert BURST - 1 <= sum(rates.take("a") for _ in range(1000)) <= BURST
    assert rates.take("b")
    now[0] += 1.0
    assert RATE - 1 <= sum(rates.take("a") for _ in range(1000)) <= RATE + 1
    now[0] += 3600
    assert BURST - 1 <= sum(rates.take("a") for _ in range(1000)) <= BURST


def test_few_addresses_are_remembered(monkeypatch):
    """Those with a full bucket are forgotten first; strangers wait while there are too many of them."""
    monkeypatch.setattr(bounds, "MOST_PEERS", 3)
    now = [100.0]
    rates = Rates(lambda: now[0])
    for peer in "abc":
        while rates.take(peer):
            pass
    assert not rates.take("d")
    now[0] += BURST / RATE + 1
    assert rates.take("d")


def peer(host):
    """Give an address."""
    return IPv4Address("TCP", host, 1)


def test_connections_are_bounded():
    """Of an address, and in all; those that end make room."""
    factory = BoundedFactory(Factory.forProtocol(Protocol), most=3, most_of_a_peer=2)
    made = [factory.buildProtocol(peer(host)) for host in "aaabc"]
    assert [True, True, False, True, False] == [protocol is not None for protocol in made]
    for protocol in filter(None, made):
        protocol.makeConnection(StringTransport())
    made[0].connectionLost(Failure(ConnectionError()))
    assert factory.buildProtocol(peer("a")) is not None
    assert factory.buildProtocol(peer("a")) is None


class Echo(Resource):
    """Gives back what came."""

    isLeaf = True

    def render_PUT(self, request):
        """Answer."""
        return b"got " + request.content.read()


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (b"Content-Length: 3", b"abc", b"got abc"),
        (b"Content-Length: %d" % (MOST_BODY + 1), b"x" * (MOST_BODY + 1), TOO_LARGE),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n", TOO_LARGE),
    ],
)
def test_bodies_are_short(head, body, expected):
    """And of a length that is known before."""
    transport = StringTransport()
    protocol = Site(Echo(), requestFactory=BoundedRequest).buildProtocol(peer("a"))
    protocol.makeConnection(transport)
    protocol.dataReceived(b"PUT / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + body)
    assert transport.value().endswith(expected)
    protocol.connectionLost(Failure(ConnectionError()))
