"""Typed getters: values, defaults, and Problems with the field path."""

import pytest

from meshd.base.origins import Origin
from meshd.model.checks import label_name
from meshd.model.reading import Fields, Report, did_you_mean, shown
from tests.helpers.resources import complaint


def fields(**values: object) -> Fields:
    """Return the fields of a mapping at `spec`, whose lines are ten times the path's length."""
    return Fields(values, ("spec",), Report(Origin("a.yaml"), lambda path: 10 * len(path)))


GETTERS = {
    "text": lambda found: found.text("a", "default"),
    "name": lambda found: found.text("a", check=label_name),
    "required": lambda found: found.text("a", required=True),
    "choice": lambda found: found.choice("a", ("ALLOW_ANY", "REGISTRY_ONLY"), "ALLOW_ANY"),
    "flag": lambda found: found.flag("a", True),
    "maybe": lambda found: found.maybe_flag("a"),
    "number": lambda found: found.number("a", 7, low=0, high=9),
    "port": lambda found: found.port("a", required=True),
    "duration": lambda found: found.duration("a", 3.0),
    "timeout": lambda found: found.duration("a", 3.0, low=0.001, zero=True),
    "texts": lambda found: found.texts("a"),
    "numbers": lambda found: found.texts("a", numbers=True),
    "names": lambda found: found.texts("a", check=label_name),
    "map": lambda found: found.text_map("a", key=label_name, value=label_name),
    "mapping": lambda found: found.mapping("a").values,
    "items": lambda found: [item.values for item in found.items("a")],
}


@pytest.mark.parametrize(
    ("getter", "value", "expected"),
    [
        ("text", "x", "x"), ("text", None, "default"), ("text", "", "default"), ("name", "x", "x"), ("name", None, ""),
        ("choice", "REGISTRY_ONLY", "REGISTRY_ONLY"), ("choice", None, "ALLOW_ANY"), ("choice", "", "ALLOW_ANY"),
        ("flag", False, False), ("flag", None, True), ("maybe", None, None), ("maybe", False, False),
        ("number", 0, 0), ("number", 9, 9), ("number", None, 7), ("port", 65535, 65535),
        ("duration", "1h30m", 5400.0), ("duration", "0s", 0.0), ("duration", None, 3.0), ("timeout", "0s", 0.0), ("timeout", "1ms", 0.001),
        ("texts", ["a", "b"], ("a", "b")), ("texts", None, ()), ("texts", [], ()), ("numbers", [22, "80-90"], ("22", "80-90")),
        ("map", {"a": "b"}, {"a": "b"}), ("map", None, {}), ("mapping", None, {}), ("mapping", {"x": 1}, {"x": 1}),
        ("items", [{"x": 1}], [{"x": 1}]), ("items", None, []),
    ],
)  # fmt: skip
def test_returns_what_is_there(getter, value, expected):
    """Null counts as absent, as in Kubernetes."""
    found = fields(a=value)
    assert (expected, []) == (GETTERS[getter](found), found.report.problems)


@pytest.mark.parametrize(
    ("getter", "value", "expected", "complaints"),
    [
        ("text", 80, "default", ["error 20 spec.a: expected text, got the number 80; quote it"]),
        ("text", True, "default", ["error 20 spec.a: expected text, got the boolean true; quote it, plain yes, no, on, off, y and n are booleans"]),
        ("text", [1], "default", ["error 20 spec.a: expected text, got a list"]),
        ("text", {}, "default", ["error 20 spec.a: expected text, got a mapping"]),
        ("required", None, "", ["error 20 spec.a: expected a text, got nothing"]),
        ("required", "", "", ["error 20 spec.a: expected a text, got an empty text"]),
        ("choice", "ALOW_ANY", "ALLOW_ANY", ["error 20 spec.a: expected ALLOW_ANY or REGISTRY_ONLY, got 'ALOW_ANY'; did you mean ALLOW_ANY?"]),
        ("choice", 1, "ALLOW_ANY", ["error 20 spec.a: expected ALLOW_ANY or REGISTRY_ONLY, got the number 1"]),
        ("flag", "true", True, ["error 20 spec.a: expected true or false, got 'true'; remove the quotes"]),
        ("flag", 1, True, ["error 20 spec.a: expected true or false, got the number 1"]),
        ("number", 10, 7, ["error 20 spec.a: expected a number from 0 to 9, got the number 10"]),
        ("number", True, 7, ["error 20 spec.a: expected a number from 0 to 9, got the boolean true"]),
        ("number", 1.5, 7, ["error 20 spec.a: expected a number from 0 to 9, got the number 1.5"]),
        ("number", "5", 7, ["error 20 spec.a: expected a number from 0 to 9, got '5'; remove the quotes"]),
        ("port", None, 0, ["error 20 spec.a: expected a number from 1 to 65535, got nothing"]),
        ("port", 0, 0, ["error 20 spec.a: expected a number from 1 to 65535, got the number 0"]),
        ("duration", "10", 3.0, ["error 20 spec.a: expected a duration such as 10s or 250ms, got '10'"]),
        ("duration", 10, 3.0, ["error 20 spec.a: expected a duration such as 10s or 250ms, got the number 10"]),
        ("duration", "-1s", 3.0, ["error 20 spec.a: expected a duration such as 10s or 250ms, got '-1s'"]),
        ("timeout", "1us", 3.0, ["error 20 spec.a: expected a duration of at least 0.001s such as 10s or 250ms, or 0s, got '1us'"]),
        ("duration", "9" * 400 + "s", 3.0, [f"error 20 spec.a: expected a duration such as 10s or 250ms, got '{'9' * 80}...'"]),
        ("texts", "x", (), ["error 20 spec.a: expected a list, got 'x'; begin each item with '- '"]),
        ("texts", ["x", 1, ""], ("x",), [
            "error 30 spec.a[1]: expected text, got the number 1; quote it", "error 30 spec.a[2]: expected a text, got an empty text"]),
        ("numbers", [True], (), [
            "error 30 spec.a[0]: expected text, got the boolean true; quote it, plain yes, no, on, off, y and n are booleans"]),
        ("names", ["x", "X"], ("x",), [
            "error 30 spec.a[1]: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got 'X'"]),
        ("map", {"a": 1, "B": "x", "c": "C", "d": "d"}, {"d": "d"}, [
            "error 30 spec.a.a: expected text, got the number 1; quote it",
            "error 30 spec.a.B: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got 'B'",
            "error 30 spec.a.c: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got 'C'"]),
        ("map", ["x"], {}, ["error 20 spec.a: expected a mapping, got a list"]),
        ("mapping", "x", {}, ["error 20 spec.a: expected a mapping, got 'x'"]),
        ("items", [{}, 7], [{}], ["error 30 spec.a[1]: expected a mapping, got the number 7"]),
        ("items", {"x": 1}, [], ["error 20 spec.a: expected a list, got a mapping; begin each item with '- '"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(getter, value, expected, complaints):
    """The default takes the place of what is wrong, and the Problem says where, what was expected and what was found."""
    found = fields(a=value)
    assert expected == GETTERS[getter](found)
    assert complaints == [complaint(problem) for problem in found.report.problems]
    assert found.report.failed


def test_warns_of_fields_that_nobody_asked_for():
    """With the word that was probably meant, also when it is written in another style."""
    found = fields(port=1, targetport=2, node_port=3, zzz=4, known=5)
    found.port("port")
    found.raw("targetPort")
    found.finish(("nodePort", "known"))
    assert [
        "warning 20 spec.targetport: expected a known field, got targetport, which is ignored; did you mean targetPort?",
        "warning 20 spec.node_port: expected a known field, got node_port, which is ignored; did you mean nodePort?",
        "warning 20 spec.zzz: expected a known field, got zzz, which is ignored",
    ] == [complaint(problem) for problem in found.report.problems]
    assert not found.report.failed


def test_knows_what_is_present():
    """Null is absent; the mapping itself can be reported too."""
    found = fields(a=None, b=0)
    found.wrong("", "x", severity="info")
    assert (False, True, False) == ("a" in found, "b" in found, "c" in found)
    assert ["info 10 spec: x"] == [complaint(problem) for problem in found.report.problems]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "nothing"), (False, "the boolean false"), (1, "the number 1"), ("", "an empty text"), ("a\n", r"'a\n'"), ([], "a list")],
)
def test_shows_values(value, expected):
    """In words and on one line."""
    assert expected == shown(value)


@pytest.mark.parametrize(("name", "expected"), [("Sevice", "did you mean Service?"), ("service", "did you mean Service?"), ("Foo", ""), ("", "")])
def test_guesses_what_was_meant(name, expected):
    """Only where it is close."""
    assert expected == did_you_mean(name, ["Service", "Pod"])
