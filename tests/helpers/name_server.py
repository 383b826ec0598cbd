"""A real DNS server on loopback, whose answers a test writes, and a reactor of its own that turns as long as a test waits."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import udp
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.tcp import Connection
from twisted.names import common, dns, error, server

from tests.helpers.waiting import PATIENCE, NotInTimeError


class NameServer(common.ResolverBase):
    """
    Answers by UDP and TCP.

    Attributes:
        answers: Records by name; a name without any is answered with NXDOMAIN, an empty list with no records.
        failing: Every question is answered with SERVFAIL.
        silent: No question is answered.
        asked: The names and kinds asked for.
        reactor: Turned by `turn_until`.
        place: Address and port.
    """

    def __init__(self) -> None:
        """Listen."""
        super().__init__()  # type: ignore[no-untyped-call]  # reason: twisted.names has few types
        self.answers: dict[str, list[Any]] = {}
        self.failing = self.silent = False
        self.asked: list[tuple[str, int]] = []
        self.reactor = SelectReactor()
        factory = server.DNSServerFactory(authorities=[self])
        factory.noisy = False
        self._udp, self._tcp = self._listen(factory)
        self.place = ("127.0.0.1", self._udp.getHost().port)

    def _listen(self, factory: server.DNSServerFactory) -> tuple[Any, Any]:
        """Find a port that is free for UDP and TCP."""
        while True:
            datagrams = self.reactor.listenUDP(0, dns.DNSDatagramProtocol(factory, reactor=self.reactor), "127.0.0.1")
            try:
                return datagrams, self.reactor.listenTCP(datagrams.getHost().port, factory, interface="127.0.0.1")
            except CannotListenError:
                datagrams.stopListening()
                self.reactor.iterate(0)  # it closes a turn later, and would stay scheduled until a test turns the reactor

    def _lookup(self, name: bytes, cls: int, kind: int, timeout: Sequence[int] | None) -> "Deferred[Any]":
        text = name.decode().lower()
        self.asked.append((text, kind))
        if self.silent:
            return Deferred()
        if self.failing:
            return fail(RuntimeError("a failing server"))
        if text not in self.answers:
            return fail(error.AuthoritativeDomainError(name))
        found = [record for record in self.answers[text] if record.type in (kind, dns.CNAME)]
        return succeed((found, [], []))

    def turn_until(self, condition: Callable[[], object]) -> None:
        """Turn the reactor until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise NotInTimeError("an answer of the name server: not in time")
            self.reactor.iterate(0.01)

    def wait(self, asked: "Deferred[Any]") -> Any:
        """Give what a Deferred fires with."""
        found: list[Any] = []
        asked.addBoth(found.append)
        self.turn_until(lambda: found)
        return found[0]

    def close(self) -> None:
        """Listen no more, and leave no descriptor open: sockets close a turn after they are asked to."""
        for listening in (self._udp, self._tcp):
            listening.stopListening()
        for reader in self.reactor.getReaders():
            if isinstance(reader, Connection):
                reader.abortConnection()
            elif isinstance(reader, udp.Port):
                reader.stopListening()
        for _ in range(3):
            self.reactor.iterate(0)
        for call in self.reactor.getDelayedCalls():
            call.cancel()
        self.reactor.waker.connectionLost(None)


def a(name: str, address: str, ttl: int = 30) -> Any:
    """Give an A record."""
    return dns.RRHeader(name.encode(), dns.A, dns.IN, ttl, dns.Record_A(address, ttl))


def aaaa(name: str, address: str, ttl: int = 30) -> Any:
    """Give an AAAA record."""
    return dns.RRHeader(name.encode(), dns.AAAA, dns.IN, ttl, dns.Record_AAAA(address, ttl))


def cname(name: str, target: str, ttl: int = 30) -> Any:
    """Give a CNAME record."""
    return dns.RRHeader(name.encode(), dns.CNAME, dns.IN, ttl, dns.Record_CNAME(target.encode(), ttl))
