"""Tables of JSON fields."""

import attrs
import pytest

from meshd.snapshot.json_fields import Message, Row, many, one, seconds, text, texts, typed, typed_config, wrapped


@attrs.frozen
class Inner:
    """A value within."""

    number: int = 0


@attrs.frozen
class Outer:
    """A value with one field of each sort."""

    name: str
    wait: float = 0.0
    words: tuple[str, ...] = ()
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    both: tuple[int, int] = (0, 0)


INNER = Message(Inner, (wrapped("number", "number", default=0),))
OUTER = Message(
    Outer,
    (
        text("name", "deep", "name"),
        seconds("wait", "deep", "wait", default=0.0),
        texts("words", "words"),
        one("inner", "inner", message=INNER, default=None),
        many("inners", "inners", message=INNER),
        Row("both", (), lambda pair: {"deep": {"left": pair[0]}, "right": pair[1]},
            lambda found: (found["deep"].get("left", 0), found.get("right", 0))),
    ),
    lambda value: {"constant": value.name},
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Outer("a"), {"deep": {"name": "a", "left": 0}, "right": 0, "constant": "a"}),
        (
            Outer("a", 0.25, ("x", "y"), Inner(3), (Inner(), Inner(1)), (1, 2)),
            {"deep": {"name": "a", "wait": "0.250s", "left": 1}, "right": 2, "words": ["x", "y"], "inner": {"number": 3},
             "inners": [{}, {"number": 1}], "constant": "a"},
        ),
    ],
)
def test_what_is_written_is_read_again(value, message):
    """Defaults are left out; what shares a place is merged."""
    assert message == OUTER.write(value)
    assert value == OUTER.read(message)


@pytest.mark.parametrize(("number", "expected"), [(3, 3), ("3", 3), ({"value": 3}, 3), ({"value": "3"}, 3), (3.0, 3), ({}, 0)])
def test_whole_numbers_have_several_spellings(number, expected):
    """Protobuf's JSON writes 64-bit ones as text."""
    assert Inner(expected) == INNER.read({"number": number})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "deep.name: expected a value, found none"),
        ({"deep": None}, "deep.name: expected a value, found none"),
        ({"deep": []}, "deep.name: expected a value, found none"),
        ({"deep": {"name": "a", "wait": 3}}, "deep.wait: expected text, found 3"),
        ({"deep": {"name": "a", "wait": "soon"}}, "expected a duration"),
        ({"deep": {"name": "a"}, "inner": {"number": []}}, "number: expected a whole number"),
        ({"deep": {"name": "a"}, "inner": {"number": "x"}}, "expected a whole number, found 'x'"),
        ({"deep": {"name": "a"}, "inners": 3}, "inners: expected a list, found 3"),
        ({"deep": {"name": "a"}, "inners": [None]}, "expected an object, found None"),
        ([], r"expected an object, found \[\]"),
    ],
)
def test_what_cannot_be_read_is_refused(message, reason):
    """The place is named."""
    with pytest.raises(ValueError, match=reason):
        OUTER.read(message)


def test_extensions_have_a_name_and_a_typed_configuration():
    """The type is a URL."""
    extension = typed("a", "b.C", {"x": 1})
    assert {"name": "a", "typedConfig": {"@type": "type.googleapis.com/b.C", "x": 1}} == extension
    assert [{"@type": "type.googleapis.com/b.C", "x": 1}, {}, {}] == [typed_config(found) for found in (extension, {"name": "a"}, {"typedConfig": 3})]
