"""Buckets of tokens."""

import math

import pytest

from meshd.tables.token_bucket import EMPTY_SINCE_EVER, TokenBucket


class Time:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self):
        """Give the time."""
        return self.now


def bucket(max_tokens, rate, times=None, own=0):
    """Give a bucket and its clock."""
    clock = Time()
    return TokenBucket(max_tokens, rate, clock, [EMPTY_SINCE_EVER] if times is None else times, own), clock


def test_begins_full_and_fills_steadily():
    """Not at the end of an interval, and never beyond what it holds."""
    found, clock = bucket(3, 2.0)
    assert [True, True, True, False] == [found.take() for _ in range(4)]
    clock.now += 0.49
    assert not found.take()
    clock.now += 0.02
    assert (True, False) == (found.take(), found.take())
    clock.now += 100.0
    assert [True, True, True, False] == [found.take() for _ in range(4)]


def test_tells_what_is_left():
    """And when there is a token again, in whole seconds (F.limit-headers: 3600 just after one of one an hour was taken)."""
    found, clock = bucket(2, 1 / 3600)
    told = []
    for wait in (0.0, 0.0, 1800.0, 1800.0):
        clock.now += wait
        told.append((found.remaining, found.reset))
        found.take()
    assert [(2, 0), (1, 0), (0, 1800), (1, 0)] == told
    assert (0, 3600) == (found.remaining, found.reset)


@pytest.mark.parametrize("rate", [1 / 3600, 0.1, 1.0, 3.0, 100.0, 1e4])
@pytest.mark.parametrize("start", [0.0, 1e-3, 12345.678, 1e7 / 3])
def test_rounding_takes_no_token_away(rate, start):
    """Whatever the time and the rate: a full bucket gives all it holds."""
    found, clock = bucket(50, rate)
    clock.now = start
    assert 50 == sum(found.take() for _ in range(60))


def test_workers_share():
    """What one takes is gone for the others; each writes in its own place only."""
    times = [EMPTY_SINCE_EVER] * 2
    one, other = bucket(4, 1.0, times)[0], bucket(4, 1.0, times, 1)[0]
    assert [True, True, True, True, False, False] == [one.take(), other.take(), one.take(), other.take(), one.take(), other.take()]
    assert [999.0, 1000.0] == times


@pytest.mark.parametrize("time", [math.inf, math.nan, 1e9, 1e300])
def test_no_times(time):
    """What was left from before a restart of the machine, or by a worker that went wrong, limits nobody for good and frees nobody."""
    found = bucket(2, 1.0, [time, EMPTY_SINCE_EVER, time], 1)[0]
    assert (2, 0) == (found.remaining, found.reset)
    assert [True, True, False] == [found.take() for _ in range(3)]
    assert (0, 1) == (found.remaining, found.reset)
