"""Values to JSON's types and back."""

import json
from collections.abc import Mapping
from typing import Literal

import attrs
import pytest

from meshd.base.errors import WireError
from meshd.snapshot.wire_values import TAG, build_list_readers, build_reader, build_writer


@attrs.frozen
class Inner:
    """A value within a value."""

    name: str
    size: int = 1


@attrs.frozen
class Other:
    """The other class of a union."""

    name: str


@attrs.frozen
class Outer:
    """Every kind of field that snapshots have."""

    word: Literal["a", "b"]
    inner: Inner | Other
    share: float = 0.5
    maybe: Inner | None = None
    either: int | str = 0
    many: tuple[Inner, ...] = ()
    pair: tuple[str, int] = ("", 0)
    texts: Mapping[str, str] = attrs.field(factory=dict)


WHOLE = Outer("b", Other("o"), 2.0, Inner("m", 3), "x", (Inner("1"), Inner("2", 2)), ("p", 9), {"k": "v"})


def write(value: Outer) -> object:
    """Give the written form."""
    writer = build_writer(Outer)
    assert writer is not None
    return writer(value)


def test_leaves_defaults_out():
    """Fields that have their default are not written; the class of a union is."""
    assert {"word": "a", "inner": {"name": "n", TAG: "Inner"}, "texts": {}} == write(Outer("a", Inner("n")))


def test_reads_what_it_wrote():
    """Every kind of field comes back as it was."""
    assert build_reader(Outer)(json.loads(json.dumps(write(WHOLE)))) == WHOLE


def test_lists_have_readers_of_their_own():
    """Those of any length that may be left out, so that a class can be read without them first."""
    readers = build_list_readers(Outer)
    assert ["many"] == list(readers)
    assert WHOLE.many == readers["many"]([{"name": "1"}, {"name": "2", "size": 2}])


def test_reads_whole_numbers_as_floats():
    """JSON has one kind of number: 2 is a float where one is asked for."""
    assert build_reader(Outer)({"word": "a", "inner": {"name": "n", TAG: "Other"}, "share": 2}).share == 2.0


GOOD = {"word": "a", "inner": {"name": "n", TAG: "Inner"}}


@pytest.mark.parametrize("field", [
    {"word": "c"}, {"word": 1}, {"word": None}, {"word": []},
    {"inner": {"name": "n"}}, {"inner": {"name": "n", TAG: "Outer"}}, {"inner": None}, {"inner": {"name": "n", TAG: []}},
    {"share": "1"}, {"share": True}, {"share": 2**60},
    {"maybe": {}}, {"maybe": []}, {"maybe": {"name": 1}}, {"maybe": {"name": "n", "size": True}}, {"maybe": {"name": "n", "size": 1.0}},
    {"either": 1.5}, {"either": None}, {"either": True},
    {"many": {}}, {"many": [1]}, {"many": "ab"},
    {"pair": ["p"]}, {"pair": ["p", 1, 2]}, {"pair": [1, "p"]}, {"pair": "ab"},
    {"texts": {"k": 1}}, {"texts": []},
    {"unknown": 1}, {"__class__": "x"}, {"": ""},
])
def test_refuses_what_is_not_exactly_of_the_type(field):
    """Nothing is coerced, and unknown fields are refused."""
    with pytest.raises(WireError):
        build_reader(Outer)({**GOOD, "inner": dict(GOOD["inner"]), **field})


@pytest.mark.parametrize("missing", ["word", "inner"])
def test_refuses_a_value_without_a_field_that_has_no_default(missing):
    """A field without a default must be there."""
    with pytest.raises(WireError):
        build_reader(Outer)({key: value for key, value in GOOD.items() if key != missing})


@pytest.mark.parametrize("kind", [set[str], bytes, tuple[Inner, int], list[int], object])
def test_knows_its_limits(kind):
    """A type that could not travel is found when the writer is built, not when it is used."""
    with pytest.raises(TypeError):
        build_writer(kind)
