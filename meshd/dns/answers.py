"""Answers that are ready before they are asked for: the hosts of a snapshot, by the bytes of the question."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

import attrs

from meshd.dns.message import (
    AAAA,
    ANY,
    CNAME,
    HINFO,
    IN,
    NOERROR,
    OPT_RECORD,
    PTR,
    SRV,
    A,
    Question,
    record,
    reply,
    wire_name,
)
from meshd.snapshot.host_addresses import HostAddresses

TTL = 30  # seconds; Istio's
AUTHORITATIVE, TRUNCATED = 0x0400, 0x0200
_OF_THE_QUESTION = b"\xc0\x0c"  # a pointer to the question's name, which stands behind the header
_OWNER_AND_FIELDS = 12  # bytes of a record that stand before its data, where its owner is a pointer
_NO_ANY = _OF_THE_QUESTION + record(HINFO, 3600, b"\x07RFC8482\x00")  # RFC 8482, 4.2: an answer that amplifies nothing


class Records:
    """Records of one name and type; clients that ask again are given them in another order, so that load spreads."""

    __slots__ = ("_records", "_turn")

    def __init__(self, records: Sequence[bytes]) -> None:
        """Take them, ready but for their order and their owner."""
        self._records = list(records)
        self._turn = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._records)

    def answer(self, message: bytes, end: int, limit: int, *, edns: bool, alias_of: bytes = b"") -> bytes:
        """
        Give the answer to a query, cut to whole records where it is too long.

        Args:
            message: The query.
            end: Where its question ends.
            limit: Bytes.
            edns: The client knows EDNS.
            alias_of: Name that the question's name is an alias of (a CNAME), which has these records.
        """
        turn = self._turn
        records = self._records[turn:] + self._records[:turn] if turn else self._records
        self._turn = (turn + 1) % len(records)
        owner, before = _OF_THE_QUESTION, b""
        if alias_of:
            owner, before = (0xC000 | end + _OWNER_AND_FIELDS).to_bytes(2, "big"), _OF_THE_QUESTION + record(CNAME, TTL, alias_of)
        flags, room, size = AUTHORITATIVE, limit - end - len(before) - (len(OPT_RECORD) if edns else 0), len(owner) + len(records[0])
        if len(records) * size > room:
            records, flags = records[:max(0, room // size)], AUTHORITATIVE | TRUNCATED
        written = before + owner + owner.join(records) if records else before
        return reply(message, end, flags, written, len(records) + bool(before), edns=edns)


@attrs.define(eq=False)
class Known:
    """What is known of a name: records by type, ready; `internal` as of `HostAddresses`."""

    name: bytes
    internal: bool
    records: dict[int, Records]


class Answers:
    """
    The table of one snapshot.

    Source:
        Istio pkg/dns/client/dns.go: TTL, wildcards label by label, the CNAME for a name with a search domain, NODATA for a type that a known
        host lacks. PTR, SRV, and NODATA for other types of names that nobody else knows, are ours.
    """

    __slots__ = ("_known", "_search", "_wildcards")

    def __init__(self) -> None:
        """Begin with no names."""
        self._known: dict[bytes, Known] = {}
        self._wildcards: dict[bytes, Known] = {}
        self._search: list[bytes] = []

    def __len__(self) -> int:
        """Return how many names are known, wildcards included."""
        return len(self._known) + len(self._wildcards)

    def complete(self, search: Sequence[str]) -> None:
        """Know the domains that this machine's resolver completes names with; the first counts, as in Istio."""
        self._search = [ending for ending in (wire_name(domain) for domain in search[:1]) if ending is not None]

    def add(self, host: HostAddresses) -> None:
        """Add a host; the first of equal names counts."""
        addresses = {A: [found for found in host.addresses if ":" not in found], AAAA: [found for found in host.addresses if ":" in found]}
        records = {
            kind: Records([record(kind, TTL, ipaddress.ip_address(found).packed) for found in own]) for kind, own in addresses.items() if own
        }
        for text in (host.name, *host.aliases):
            name = wire_name(text)
            if name is not None and self._own(name, Known(name, host.internal, records)):
                self._add_services(text, host)
        full = wire_name(host.name)
        if full is not None and not host.name.startswith("*"):
            for address in host.addresses:
                self._add_pointer(address, full)

    def _own(self, name: bytes, known: Known) -> bool:
        place = self._wildcards if name.startswith(b"\x01*") else self._known
        if name in place:
            return False
        place[name] = known
        return True

    def _add_services(self, text: str, host: HostAddresses) -> None:
        """Add SRV records: `_http._tcp.web.default.svc.cluster.local` (RFC 2782; Kubernetes' DNS specification, 2.3.2)."""
        target = wire_name(host.name)
        for port in host.ports:
            name = wire_name(f"_{port.name}._{port.protocol}.{text}")
            if name is not None and target is not None:
                data = b"\0\0\0\x64" + port.number.to_bytes(2, "big") + target
                self._own(name, Known(name, True, {SRV: Records([record(SRV, TTL, data)])}))

    def _add_pointer(self, address: str, full: bytes) -> None:
        name = wire_name(ipaddress.ip_address(address).reverse_pointer)
        if name is not None:
            self._own(name, Known(name, False, {PTR: Records([record(PTR, TTL, full)])}))

    def orders(self, question: Question) -> int:
        """Return how many answers `find` gives in turn, which differ in the order of records; 0 where it gives none."""
        if question.cls != IN:
            return 0
        if question.kind == ANY:
            return 1
        known = self._look_up(question.name) or self._look_up_completed(question.name)
        if known is None:
            return 0
        records = known.records.get(question.kind)
        if records is not None:
            return len(records)
        return 1 if self._nobody_else_knows(known, question.kind) else 0

    def find(self, message: bytes, question: Question, limit: int) -> bytes | None:
        """Answer a query for a name that is known; None where somebody else has to be asked."""
        if question.cls != IN:
            return None
        if question.kind == ANY:
            return reply(message, question.end, NOERROR, _NO_ANY, 1, edns=bool(question.edns))
        known, alias_of = self._look_up(question.name), b""
        if known is None:
            known = self._look_up_completed(question.name)
            if known is None:
                return None
            alias_of = known.name
        records = known.records.get(question.kind)
        if records is not None:
            return records.answer(message, question.end, limit, edns=bool(question.edns), alias_of=alias_of)
        if self._nobody_else_knows(known, question.kind):
            return reply(message, question.end, AUTHORITATIVE, edns=bool(question.edns))
        return None

    def _nobody_else_knows(self, known: Known, kind: int) -> bool:
        """Tell whether there are no records of a type that a name lacks here."""
        return known.internal or kind in (A, AAAA)

    def _look_up_completed(self, name: bytes) -> Known | None:
        """Find a name that the client's resolver has completed with a search domain."""
        for ending in self._search:
            place, end = 0, len(name) - len(ending)
            while place < end:
                place += 1 + name[place]
            if place == end > 0 and name.endswith(ending):  # not within a label, which may hold any bytes
                return self._look_up(name[:end] + b"\0")
        return None

    def _look_up(self, name: bytes) -> Known | None:
        """Find a name, else the longest wildcard that covers it; what a wildcard gives is a record of the name that was asked for."""
        found = self._known.get(name)
        while found is None and name[0]:
            name = name[1 + name[0]:]
            found = self._wildcards.get(b"\x01*" + name)
        return found


def answers_of(hosts: Mapping[str, HostAddresses]) -> Iterator[Answers | None]:
    """Make the table of a snapshot's hosts bit by bit: yields None after each host, and the table last."""
    answers = Answers()
    for host in hosts.values():
        answers.add(host)
        yield None
    yield answers
