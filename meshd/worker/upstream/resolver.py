"""Host names looked up as the machine does: /etc/hosts first, then the name servers of resolv.conf."""

import ipaddress
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.names import client, dns, hosts
from twisted.names.resolve import ResolverChain

from meshd.base.addresses import canonical_ip

A, AAAA = dns.A, dns.AAAA
MAX_ADDRESSES = 256
"""Addresses of one name that are used; what a server answers beyond that is left out."""
_MAX_ALIASES = 16  # in one answer
_PATIENCE = (2, 4)  # seconds for each name server, then for each once more


@attrs.frozen
class Records:
    """What a name stands for: addresses in the order of the answer, and how many seconds that holds; 0: nothing was said of it."""

    addresses: tuple[str, ...]
    ttl: int = 0


Resolve = Callable[[str, int], "Deferred[Records]"]
"""Looks up the addresses of a name: `A` or `AAAA`; fails with `DNSNameError` when there is no such name."""


class MachineResolver:
    """Looks names up; reads the machine's files again when they have changed, keeps no answer and has no timer while nothing is asked."""

    def __init__(
        self, reactor: IReactorTime, servers: Sequence[tuple[str, int]] = (), resolv_conf: str = "/etc/resolv.conf", hosts_file: str = "/etc/hosts",
    ) -> None:
        """
        Take what to ask; nothing is opened yet.

        Args:
            reactor: Of UDP, TCP and timers.
            servers: Address and port of name servers that are asked instead of those of the file.
            resolv_conf: File that names them.
            hosts_file: File that is looked at first.
        """
        self._reactor = reactor
        self._servers = list(servers)
        self._resolv_conf = resolv_conf
        self._hosts_file = hosts_file
        self._chain: ResolverChain | None = None
        self._client: _Client | None = None

    def look_up(self, name: str, kind: int) -> "Deferred[Records]":
        """Look up the addresses of a name."""
        asked: Deferred[Any] = maybeDeferred(self._ask, name, kind)
        return asked.addCallback(lambda found: read_records(name, kind, found[0]))

    def _ask(self, name: str, kind: int) -> "Deferred[Any]":
        if self._client is None or self._chain is None:
            make = cast("Callable[..., _Client]", _Client)  # reason: twisted.names has few types
            self._client = make(None if self._servers else self._resolv_conf, self._servers, _PATIENCE, self._reactor)
            self._chain = ResolverChain([hosts.Resolver(self._hosts_file.encode(), 0), self._client])
        self._client.maybeParseConfig()
        return cast("Deferred[Any]", self._chain.query(dns.Query(name.encode(), kind, dns.IN)))


class _Client(client.Resolver):
    """Twisted's client, which reads resolv.conf when it is asked instead of every minute for ever."""

    def maybeParseConfig(self) -> None:
        """Read resolv.conf if it has changed; without the file, a server of this machine is asked."""
        if self.resolv is None:
            return
        try:
            changed_at = os.stat(self.resolv).st_mtime
            lines = Path(self.resolv).read_bytes().splitlines() if changed_at != self._lastResolvTime else None
        except OSError:
            changed_at, lines = None, []
        self._lastResolvTime = changed_at
        if lines is not None:
            cast("Callable[[list[bytes]], None]", self.parseConfig)([line for line in lines if len(line.split()) > 1])


def read_records(name: str, kind: int, answers: Iterable[Any]) -> Records:
    """Take from an answer what it says of a name, by way of its aliases; records of other names count for nothing."""
    aliases: dict[bytes, tuple[bytes, int]] = {}
    addresses: dict[bytes, list[tuple[str, int]]] = {}
    for record in answers:
        owner = record.name.name.lower()
        if record.type == dns.CNAME:
            aliases.setdefault(owner, (record.payload.name.name.lower(), record.ttl))
        elif record.type == kind:
            addresses.setdefault(owner, []).append((_text_of(record.payload.address), record.ttl))
    current, ttls = name.lower().removesuffix(".").encode(), []
    for _ in range(_MAX_ALIASES):
        if current in addresses or current not in aliases:
            break
        current, ttl = aliases[current]
        ttls.append(ttl)
    found = [(address, ttl) for address, ttl in addresses.get(current, []) if address][:MAX_ADDRESSES]
    return Records(tuple(dict.fromkeys(address for address, _ in found)), min([*ttls, *(ttl for _, ttl in found)], default=0))


def _text_of(packed: bytes) -> str:
    """Give an address as text; empty for one that nothing can be connected to."""
    text = canonical_ip(str(ipaddress.ip_address(packed)))
    address = ipaddress.ip_address(text)
    return "" if address.is_unspecified or address.is_multicast else text
