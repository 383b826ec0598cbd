"""Waits between tries."""

from meshd.sources.retries import LONGEST_ADVICE, Retries


def test_waits_double_up_to_the_longest():
    """And begin anew after a success."""
    retries = Retries(0.5, 4.0, lambda: 0.5)
    assert [0.5, 1.0, 2.0, 4.0, 4.0] == [retries.failed() for _ in range(5)]
    retries.succeeded()
    assert 0.5 == retries.failed()


def test_waits_have_jitter():
    """Half to one and a half times the wait."""
    assert (0.5, 1.5) == (Retries(1.0, 4.0, lambda: 0.0).failed(), Retries(1.0, 4.0, lambda: 1.0).failed())


def test_advice_lengthens_a_wait():
    """Within reason; it never shortens one."""
    retries = Retries(1.0, 4.0, lambda: 0.5)
    assert [20.0, 2.0, LONGEST_ADVICE] == [retries.failed(20.0), retries.failed(0.1), retries.failed(1e9)]


def test_another_bound_may_be_given():
    """For failures that are not going to end soon."""
    retries = Retries(1.0, 2.0, lambda: 0.5)
    assert [1.0, 2.0, 4.0] == [retries.failed(longest=60.0) for _ in range(3)]


def test_many_failures_are_no_overflow():
    """A server may be away for years."""
    retries = Retries(1.0, 2.0, lambda: 0.5, failures=10_000)
    assert 2.0 == retries.failed()
