"""Runs are summed up round by round: a ratio of medians would hide what a noisy machine does to both."""

import pytest

from tests.bench.figures import find_figure, over_direct, ratios, sum_up


def test_sums_up_by_median():
    """Each figure that all runs have, with its least and most."""
    runs = [{"cpu": 3.0, "share": 1.0}, {"cpu": 1.0}, {"cpu": 2.0}]
    assert {"cpu": {"median": 2.0, "min": 1.0, "max": 3.0}} == sum_up(runs)


def test_ratios_are_of_the_same_round():
    """Both sides were slow in the second round; the ratio does not see it."""
    ours, theirs = [{"cpu": 1.0}, {"cpu": 10.0}, {"cpu": 3.0}], [{"cpu": 2.0}, {"cpu": 20.0}, {"cpu": 5.0}]
    assert {"cpu": {"median": 0.5, "min": 0.5, "max": 0.6}} == ratios(ours, theirs)


@pytest.mark.parametrize("base", [0.0, -1.0])
def test_nothing_is_no_base(base):
    """What was not above zero in one round is nothing to divide by."""
    assert {} == ratios([{"cpu": 1.0}, {"cpu": 1.0}], [{"cpu": 1.0}, {"cpu": base}])


def test_the_direct_case_is_taken_off_the_machine():
    """Only off the machine, and round by round."""
    assert [{"cpu": 1.0, "machine": 3.0}, {"cpu": 1.0, "machine": 4.0}] == over_direct(
        [{"cpu": 1.0, "machine": 5.0}, {"cpu": 1.0, "machine": 8.0}], [{"machine": 2.0}, {"machine": 4.0}],
    )


@pytest.mark.parametrize(("name", "unit", "shown"), [("cpu", "request", "25.0 us"), ("cpu", "GiB", "0.000 s"), ("p99", "GiB", "0.03 ms")])
def test_shows_a_figure_in_the_unit_of_its_work(name, unit, shown):
    """Microseconds a request are seconds a GiB."""
    figure = find_figure(name, unit)
    assert shown == f"{figure.show(25e-6)} {figure.unit}"
