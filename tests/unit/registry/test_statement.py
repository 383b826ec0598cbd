"""Statements of machines that join."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.registry.statement import LONGEST_TEXT, MOST_LABELS, Statement, StatementError, read_statement

SAID = Statement("shop", "web", "10.0.0.1", "n1", "eu/a/b", {"app": "web"}, "unhealthy", "refused", "i1", "r1", 7, True)


def test_travels_as_json():
    """Nothing is lost."""
    assert SAID == read_statement(json.loads(json.dumps(SAID.to_json())))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"namespace": ""}, "namespace: expected a name"),
        ({"namespace": "../x"}, "namespace: expected a name"),
        ({"group": 5}, "group: expected text, got the number 5"),
        ({"address": "unix:///x"}, "address: expected an IP address"),
        ({"address": "web.example.com"}, "address: expected an IP address"),
        ({"network": "a\nb"}, "network: expected "),
        ({"network": "x" * (LONGEST_TEXT + 1)}, f"network: expected at most {LONGEST_TEXT} characters"),
        ({"locality": "a/b/c/d"}, "locality: expected region/zone/subzone"),
        ({"labels": {"-": "x"}}, "labels[-]: expected a key"),
        ({"labels": [1]}, "labels: expected a mapping"),
        ({"labels": {f"a{number}": "" for number in range(MOST_LABELS + 1)}}, f"labels: expected at most {MOST_LABELS} labels, got "),
        ({"health": "fine"}, "health: expected unchecked or unknown or healthy or unhealthy, got 'fine'"),
        ({"sequence": -1}, "sequence: expected a number"),
        ({"sequence": 2**80}, "sequence: expected a number"),
        ({"instance": None}, "instance: expected"),
        ({"leaving": "yes"}, "leaving: expected true or false"),
    ],
)
def test_tells_what_is_wrong(change, expected):
    """The first fault, with its field."""
    with pytest.raises(StatementError) as raised:
        read_statement({**SAID.to_json(), **change})
    assert str(raised.value).startswith(expected)


NAMES = [field.name for field in attrs.fields(Statement)]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
)


@given(ANYTHING)
def test_nothing_else_is_raised(body):
    """Whatever stands there."""
    try:
        assert isinstance(read_statement(body), Statement)
    except StatementError as error:
        assert str(error)
