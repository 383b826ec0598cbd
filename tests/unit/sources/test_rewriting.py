"""Files as documents with their bytes."""

import pytest

from meshd.sources.rewriting import join, read_mapping, read_parts

TEXT = b"""# a license

---
kind: A  # kept
---
# comments alone
---
kind: List
items: [{kind: B}]
"""


def test_parts_are_the_file():
    """Byte by byte; lists are not opened, and comments have no document."""
    parts = read_parts(TEXT, "a.yaml")
    assert [None, {"kind": "A"}, None, {"kind": "List", "items": [{"kind": "B"}]}] == [part.document and part.document.body for part in parts]
    assert TEXT == join([part.written for part in parts])


def test_lines_are_those_of_the_file():
    """So that what is wrong is found."""
    document = read_parts(TEXT, "a.yaml")[3].document
    assert document is not None
    assert (8, 9) == (document.origin.line, document.lines(("items", 0, "kind")))


def test_json():
    """One value, as it was written; several, each anew."""
    assert [b'{"kind":"A"}'] == [part.written for part in read_parts(b'{"kind":"A"}', "a.json")]
    assert ['{\n  "kind": "A"\n}', "{}"] == [part.written.decode() for part in read_parts(b'{"kind":"A"} {}', "a.json")]


def test_what_cannot_be_read_is_told():
    """Its part has a document with problems."""
    [part] = read_parts(b"a: [", "a.yaml")
    assert part.document is not None and part.document.problems


def test_joining():
    """Markers stand between documents, once."""
    assert b"a\n---\nb\n---\nc\n" == join([b"a", b"---\nb\n", b"c"])
    assert b"" == join([])


@pytest.mark.parametrize(("text", "expected"), [("a: 1\nb: [x]", {"a": 1, "b": ["x"]}), ("", {}), ('{"a": "y"}', {"a": "y"})])
def test_one_mapping(text, expected):
    """Of YAML or JSON."""
    assert expected == read_mapping(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("a: [", "expected YAML, got a fault"),
    ("- a", "expected a mapping, got a list"),
    ("a: 1\n---\nb: 2", "expected one document, got 2"),
    ("a: \x00", "expected printable text"),
    ("&a [*a]", "expected"),
    ("a: " + "[" * 200, "levels of nesting"),
])
def test_no_mapping(text, expected):
    """With what was found; nothing hostile does more."""
    with pytest.raises(ValueError, match=expected):
        read_mapping(text)
