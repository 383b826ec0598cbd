"""Answers of others, kept for as long as their records say (RFC 2308 for negative ones, RFC 8767 for stale ones)."""

import attrs

from meshd.dns.message import HEADER, NOERROR, NXDOMAIN, OPT, SOA, record_places, skip_name

MAX_ENTRIES = 10_000
MAX_BYTES = 16 * 1024 * 1024
LONGEST = 3600.0  # seconds that an answer is believed, whatever it says
STALE = 86400.0  # seconds that it is better than none afterwards
STALE_TTL = 30  # seconds that clients may keep such a one (RFC 8767, 4)

Key = tuple[bytes, bytes]


@attrs.frozen
class Kept:
    """An answer, when it came, how long it is good for, and where its records' times to live stand."""

    message: bytes
    stored: float
    lifetime: float
    places: tuple[int, ...]

    def aged(self, now: float) -> bytes:
        """Give the answer with times to live as they are now; those of a stale one are short."""
        elapsed = int(now - self.stored)
        stale = now - self.stored >= self.lifetime
        message = bytearray(self.message)
        for place in self.places:
            left = int.from_bytes(message[place:place + 4], "big") - elapsed
            message[place:place + 4] = (STALE_TTL if stale else max(0, left)).to_bytes(4, "big")
        return bytes(message)


class Cache:
    """Bounded in number and bytes; what was stored first goes first."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[Key, Kept] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._kept)

    def find(self, key: Key, now: float, *, stale: bool = False) -> bytes | None:
        """Give an answer that is still good; with `stale`, one that was good during the last day."""
        kept = self._kept.get(key)
        if kept is None or now - kept.stored >= kept.lifetime + (STALE if stale else 0.0):
            return None
        return kept.aged(now)

    def store(self, key: Key, message: bytes, now: float) -> None:
        """Keep a well-formed answer, if it may be kept."""
        if key in self._kept:
            self._drop(key)
        records = record_places(message) or []
        lifetime = min(LONGEST, lifetime_of(message, records))
        if lifetime <= 0:
            return
        self._kept[key] = Kept(message, now, lifetime, tuple(place + 4 for place, kind in records if kind != OPT))
        self._bytes += _size(key, message)
        while len(self._kept) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        self._bytes -= _size(key, self._kept.pop(key).message)


def _size(key: Key, message: bytes) -> int:
    """Return what an answer costs: over TCP a question may have 64 KiB of options of the asker's choice."""
    return sum(map(len, key)) + len(message)


def lifetime_of(message: bytes, records: list[tuple[int, int]]) -> int:
    """Return for how many seconds an answer is good; 0 where it must not be kept: an error, cut, or negative without an SOA record."""
    if message[2] & 0x02 or message[3] & 0x0F not in (NOERROR, NXDOMAIN):
        return 0
    answers = int.from_bytes(message[6:8], "big")
    if answers and message[3] & 0x0F == NOERROR:
        return min(_ttl(message, place) for place, _kind in records[:answers])
    authorities = int.from_bytes(message[8:10], "big")
    for place, kind in records[answers:answers + authorities]:
        if kind == SOA:
            return min(_ttl(message, place), _minimum(message, place + 10))
    return 0


def _ttl(message: bytes, place: int) -> int:
    ttl = int.from_bytes(message[place + 4:place + 8], "big")
    return ttl if ttl < 1 << 31 else 0  # RFC 2181, 8


def _minimum(message: bytes, place: int) -> int:
    """Read an SOA record's MINIMUM: behind two names and four numbers; 0 where it is not there."""
    for _ in range(2):
        place = skip_name(message, place)
        if place < HEADER:
            return 0
    field = message[place + 16:place + 20]
    return int.from_bytes(field, "big") if len(field) == 4 else 0
