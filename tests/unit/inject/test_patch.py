"""JSON Patches, applied by a plain reading of RFC 6902."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.inject.patch import difference
from tests.helpers.json_patch import applied
from tests.helpers.pods import injected, pod

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("a~/", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab~/", max_size=2), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("before", "after", "expected"), [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": True}, [{"op": "replace", "path": "/a", "value": True}]),
    ({"a": 1, "b": 2}, {"b": 3, "c": 4}, [
        {"op": "remove", "path": "/a"}, {"op": "replace", "path": "/b", "value": 3}, {"op": "add", "path": "/c", "value": 4},
    ]),
    ({"l": [1, 2]}, {"l": [1, 2, 3]}, [{"op": "add", "path": "/l/2", "value": 3}]),
    ({"l": [1, 2]}, {"l": [8, 9, 1, 2]}, [{"op": "add", "path": "/l/0", "value": 8}, {"op": "add", "path": "/l/1", "value": 9}]),
    ({"l": [1, 2]}, {"l": [2, 1]}, [{"op": "replace", "path": "/l", "value": [2, 1]}]),
    ({"l": [1, 2]}, {"l": [1]}, [{"op": "replace", "path": "/l", "value": [1]}]),
    ({}, {"a/b~c": 1}, [{"op": "add", "path": "/a~1b~0c", "value": 1}]),
    ([], {}, [{"op": "replace", "path": "", "value": {}}]),
])
def test_differences(before, after, expected):
    """Small where that is simple, right always."""
    assert expected == difference(before, after)


@given(VALUES, VALUES)
def test_leads_from_one_to_the_other(before, after):
    """Whatever the two are; Python's equal 1 and True are told apart by their texts."""
    result = applied(copy.deepcopy(before), difference(before, after))
    assert repr_of(after) == repr_of(result)


def repr_of(value):
    """Give a text that tells 1 from True and does not mind the order of keys."""
    if isinstance(value, dict):
        return repr(sorted((key, repr_of(item)) for key, item in value.items()))
    return repr([repr_of(item) for item in value]) if isinstance(value, list) else repr(value)


def test_a_pod():
    """Adds what is new, and replaces nothing of the author's."""
    before = pod(annotations={"note": "x"})
    found = injected(before).pod
    operations = difference(before, found)
    assert {"add"} == {operation["op"] for operation in operations}
    assert found == applied(copy.deepcopy(before), operations)
