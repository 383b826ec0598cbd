"""Choosing hosts by weight."""

import attrs
import pytest

from meshd.tables.balancers.weights import build_sample, build_turns, eligible


@attrs.define(eq=False)
class Endpoint:
    """A host."""

    name: str
    weight: int = 1
    active: int = 0
    since: float = 0.0


@pytest.mark.parametrize(("weights", "expected"), [((), []), ((1, 2), [0, 1]), ((0, 2), [1]), ((0, 0), [0, 1])])
def test_hosts_without_weight_count_only_among_themselves(weights, expected):
    """A weight of 0 takes nothing, unless nobody has any."""
    hosts = [Endpoint(str(place), weight) for place, weight in enumerate(weights)]
    assert [str(place) for place in expected] == [host.name for host in eligible(hosts)]


@pytest.mark.parametrize(
    ("weights", "fraction", "expected"),
    [((1, 1), 0.0, 0), ((1, 1), 0.5, 1), ((5, 5), 0.49, 0), ((1, 3), 0.49, 0), ((1, 3), 0.5, 1), ((1, 3), 1 - 2**-53, 1), ((1, 1, 1), 0.5, 1)],
)
def test_each_host_has_its_part_of_the_numbers(weights, fraction, expected):
    """They divide [0, 1) evenly."""
    hosts = [Endpoint(str(place), weight) for place, weight in enumerate(weights)]
    assert str(expected) == build_sample(hosts, lambda: fraction)().name


@pytest.mark.parametrize(("costs", "fraction", "expected"), [
    ((1.0,), 0.9, "0000"), ((1.0, 2.0), 0.0, "010010"), ((1.0, 1.0, 1.0), 0.5, "120120"), ((3.0, 1.0), 0.0, "1101"),
])
def test_turns_come_by_their_cost(costs, fraction, expected):
    """The cheaper, the sooner again; equals in line from a random start."""
    hosts = [Endpoint(str(place)) for place in range(len(costs))]
    turn = build_turns(hosts, lambda: fraction, lambda host: costs[int(host.name)])
    assert expected == "".join(turn().name for _ in expected)
