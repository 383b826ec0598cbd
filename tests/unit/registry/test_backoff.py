"""Waiting before another try."""

from meshd.registry.backoff import FIRST, LONGEST, Backoff


def test_doubles_up_to_the_bound():
    """Less a half at most, by chance; after a success it begins anew."""
    most, least = Backoff(lambda: 1.0), Backoff(lambda: 0.0)
    assert [FIRST, 2 * FIRST, 4 * FIRST] == [most.fail() for _ in range(3)]
    assert FIRST / 2 == least.fail()
    assert LONGEST == [most.fail() for _ in range(2000)][-1]
    most.succeed()
    assert FIRST == most.fail()
