"""All conditions of a route, joined."""

import attrs
import pytest

from meshd.snapshot.match import HeaderMatch, QueryMatch
from meshd.snapshot.route import RouteMatch
from meshd.tables.match.registry import CONDITIONS, build_conditions, join_conditions
from tests.helpers.exchanges import PlainExchange


def test_every_registered_condition_is_a_field_of_the_route():
    """The list is keyed by the fields of RouteMatch."""
    assert set(CONDITIONS) <= {field.name for field in attrs.fields(RouteMatch)}


def test_builds_every_condition():
    """Headers and query parameters both count."""
    match = RouteMatch(headers=(HeaderMatch("x-v"), HeaderMatch("x-w")), query_parameters=(QueryMatch("q"),))
    assert 3 == len(build_conditions(match))


@pytest.mark.parametrize("truths", [(), (True,), (False,), (True, True), (True, False), (False, True), (True, True, True), (True, True, False)])
def test_joined_conditions_hold_when_all_do(truths):
    """None stands for nothing to ask."""
    joined = join_conditions([lambda exchange, truth=truth: truth for truth in truths])
    assert all(truths) == (True if joined is None else joined(PlainExchange()))
    assert (joined is None) == (not truths)


def test_conditions_after_a_false_one_are_not_asked():
    """What fails early is cheap."""
    asked = []
    joined = join_conditions([lambda exchange: False, lambda exchange: asked.append(1) or True, lambda exchange: True])
    assert joined is not None
    assert joined(PlainExchange()) is False
    assert [] == asked
