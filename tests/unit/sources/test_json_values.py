"""JSON to values: strictness and limits."""

import pytest

from meshd.sources.json_values import JsonError, check_value, read_values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("1", [(1, 1)]),
        ('\n{"a": [1, 2.5, "x", true, null]}\n', [(2, {"a": [1, 2.5, "x", True, None]})]),
        ('{}\n{"b":\n1}\n[]', [(1, {}), (2, {"b": 1}), (4, [])]),
        ("18446744073709551615", [(1, 2**64 - 1)]),
    ],
)
def test_reads_values(text, expected):
    """Values may follow each other; each has its first line."""
    assert expected == read_values(text)


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("{", 1, "expected JSON, got a fault at column 2: Expecting property name enclosed in double quotes"),
        ("\n\n]", 3, "expected JSON, got a fault at column 1: Expecting value"),
        ("Infinity", 1, "expected a finite number, got Infinity"),
        ("1e999", 1, "expected a number of at most 64 bits, got 1e999"),
        ("9" * 5000, 1, "expected a number of at most 64 bits, got " + "9" * 80),
        ("-9223372036854775809", 1, "expected a number of at most 64 bits, got -9223372036854775809"),
        ('{"a":' * 100_000, 1, "expected at most 100 levels of nesting, got more"),
    ],
)
def test_refuses_texts(text, line, expected):
    """One kind of error, with a line."""
    with pytest.raises(JsonError) as caught:
        read_values(text)
    assert (expected, line) == (str(caught.value), caught.value.line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": {"b": 1, "b": 2, "b": 3}}', [("a", "b")]),
        ('{"a": ["x", "\\u0000"]}', [("a", 1)]),
        ('{"\\ud800": 1}', [()]),
        ("[" * 150 + "]" * 150, [()]),
        ('{"a": [1, {"b": "\\ud83d\\ude00"}]}', []),
    ],
)
def test_checks_values(text, expected):
    """Faults that the decoder lets pass are found, each with its path."""
    [(_, value)] = read_values(text)
    found = []
    good = check_value(value, lambda path, message, hint: found.append(path))
    assert (expected, not expected) == (found, good)
