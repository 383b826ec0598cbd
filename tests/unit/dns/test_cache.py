"""Answers of others, kept as long as they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns

from meshd.dns import cache
from meshd.dns.cache import STALE, STALE_TTL, Cache, lifetime_of
from meshd.dns.message import record_places

KEY = (b"k", b"")
SOA = dns.RRHeader(b"test", dns.SOA, dns.IN, 50, dns.Record_SOA(b"ns.test", b"a.test", minimum=20))


def answer(*ttls: int, rcode: int = 0, authority: tuple[dns.RRHeader, ...] = (), trunc: int = 0) -> bytes:
    """Give an answer with a record for each time to live."""
    message = dns.Message(id=1, answer=1, rCode=rcode, trunc=trunc)
    message.addQuery(b"x.test", dns.A)
    message.answers = [dns.RRHeader(b"x.test", dns.A, dns.IN, ttl, dns.Record_A("10.0.0.1")) for ttl in ttls]
    message.authority = list(authority)
    return message.toStr()


def ttl_of(message: bytes | None) -> int | None:
    """Give the first answer's time to live."""
    if message is None:
        return None
    found = dns.Message()
    found.fromStr(message)
    return int(found.answers[0].ttl)


@pytest.mark.parametrize(("message", "expected"), [
    (answer(30, 10), 10), (answer(0), 0), (answer(2**31), 0), (answer(5, trunc=1), 0), (answer(5, rcode=2), 0), (answer(rcode=3), 0),
    (answer(rcode=3, authority=(SOA,)), 20), (answer(authority=(SOA,)), 20),
])
def test_how_long_an_answer_is_good(message, expected):
    """For the shortest of its records; a negative one for as long as the zone says (RFC 2308); others not at all."""
    assert expected == lifetime_of(message, record_places(message) or [])


def test_times_to_live_run_down():
    """Then the answer is gone, but as a stale one, which clients may keep for a moment."""
    kept = Cache()
    kept.store(KEY, answer(30), 100.0)
    assert [30, 5, None] == [ttl_of(kept.find(KEY, now)) for now in (100.0, 125.0, 130.0)]
    assert [STALE_TTL, None] == [ttl_of(kept.find(KEY, now, stale=True)) for now in (130.0, 130.0 + STALE)]
    assert None is kept.find((b"other", b""), 100.0)


def test_it_is_bounded(monkeypatch):
    """In number and in bytes; a newer answer takes an older one's place."""
    monkeypatch.setattr(cache, "MAX_ENTRIES", 3)
    kept = Cache()
    for number in (1, 1, 2, 3, 4):
        kept.store((bytes([number]), b""), answer(30), 0.0)
    assert (3, None) == (len(kept), kept.find((b"\1", b""), 0.0))
    monkeypatch.setattr(cache, "MAX_BYTES", 2 * (1 + len(answer(30))))
    kept.store(KEY, answer(30), 0.0)
    assert 2 == len(kept)


def test_what_was_asked_counts_too(monkeypatch):
    """A question over TCP may bring 64 KiB of options; a thousand answers to such are no small cache."""
    monkeypatch.setattr(cache, "MAX_BYTES", 100_000)
    kept = Cache()
    for number in range(10):
        kept.store((bytes([number]), bytes(30_000)), answer(30), 0.0)
        assert len(kept) <= 3
    for _ in range(100):
        kept.store(KEY, answer(30), 0.0)
    assert 4 == len(kept)


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=5), st.floats(0.0, 1e6))
def test_whatever_servers_say(more, changes, later):
    """Nothing is raised; what is kept is well-formed, as long as it was, and says no more than it said."""
    damaged = bytearray(answer(30, 5, authority=(SOA,)) + more)
    for place, value in changes:
        if place < len(damaged):
            damaged[place] = value
    kept, message = Cache(), bytes(damaged)
    if record_places(message) is None:
        return
    kept.store(KEY, message, 0.0)
    for found in (kept.find(KEY, later), kept.find(KEY, later, stale=True)):
        assert found is None or (len(found), found[:12]) == (len(message), message[:12])
    assert not (later >= cache.LONGEST and kept.find(KEY, later))


def test_what_must_not_be_kept_takes_the_old_one_away():
    """It is not true any more."""
    kept = Cache()
    kept.store(KEY, answer(30), 0.0)
    kept.store(KEY, answer(0), 1.0)
    assert (None, 0) == (kept.find(KEY, 1.0), len(kept))
