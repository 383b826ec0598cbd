"""JSON that knows where it stands and what has been asked of it."""

import pytest

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.snapshot.noted_json import FieldError, Noted, Report, camel_case, note, settle, shown


def noted(value):
    """Note a value of a file."""
    return note(value, "", Report("file.json"))


@pytest.mark.parametrize("key", ["maxHeaders", "max_headers"])
def test_fields_are_found_in_both_spellings(key):
    """Envoy's own files have the one, protobuf's JSON the other; the file's spelling is what messages quote."""
    found = noted({"a": {key: 3}})
    assert (3, 3, True) == (found["a"].get("maxHeaders"), found["a"]["maxHeaders"], "maxHeaders" in found["a"])
    assert f"a.{key}" == found.place_of(("a", "maxHeaders"))
    assert [] == list(found.unasked())


@pytest.mark.parametrize(
    ("snake", "camel"),
    [("proxy_100_continue", "proxy100Continue"), ("http2_protocol_options", "http2ProtocolOptions"), ("consecutive_5xx", "consecutive5xx"),
     ("accept_http_10", "acceptHttp10"), ("name", "name"), ("", ""), ("_", "")],
)
def test_snake_case_has_one_camel_case(snake, camel):
    """As protobuf derives it."""
    assert camel == camel_case(snake)


def test_null_is_no_value():
    """As in protobuf's JSON."""
    found = noted({"a": None})
    assert (None, 1, False) == (found.get("a"), found.get("a", 1), "a" in found)
    with pytest.raises(KeyError):
        found["a"]
    assert [] == list(noted({"a": None}).unasked())


def test_what_nobody_asks_for_is_told_once():
    """Below what was asked for, too; a type is no field."""
    found = noted({"a": {"b": 1, "c": [{"d": 2, "e": 3}], "@type": "t"}, "f": {"g": 4}})
    found["a"]["c"][0].get("d")
    assert ["a.b", "a.c[0].e", "f"] == list(found.unasked())
    assert [] == list(found.unasked())


def test_all_of_a_map_is_asked_for_at_once():
    """Its keys are not fields."""
    found = noted({"my_key": 1, "other": {"x": 2}})
    assert {"my_key": 1, "other": {"x": 2}} == dict(found.items())
    assert ["other.x"] == list(found.unasked())


@pytest.mark.parametrize(
    ("path", "left"),
    [(("a",), ["f"]), (("a", "b"), ["a.c", "f"]), (("a", "b", "x"), ["a.c", "f"]), (("z",), ["a", "f"]), (("f", "g"), ["a", "f"])],
)
def test_fields_can_be_skipped(path, left):
    """With all within; one below takes the others along the way into sight."""
    found = noted({"a": {"b": {"x": 1}, "c": 2}, "f": 3})
    found.skip(*path)
    assert left == list(found.unasked())


def test_settings_of_filters_are_told_of_one_by_one():
    """They stand in one field of a route."""
    found = noted({"typed_per_filter_config": {"a.b": {"x": 1}, "c_d": {}}})
    assert ["typed_per_filter_config[a.b]", "typed_per_filter_config[c_d]"] == list(found.unasked())


def test_values_can_be_settled():
    """Whatever they are."""
    found = noted({"a": [{"b": {"c": 1}}, 2]})
    settle(found["a"])
    settle(None)
    assert [] == list(found.unasked())


def test_paths_of_absent_fields_are_protobufs():
    """There is no other spelling to quote."""
    found = noted({"a": 1})
    assert ["a.b", "x.y", ""] == [found.place_of(("a", "b")), found.place_of(("x", "y")), found.place_of(())]


def test_problems_are_warnings_unless_something_is_left_out():
    """Their origin is the file."""
    report = Report("file.json")
    Noted({}, "", report).report.note("a.b", "said", "hint")
    report.note("", "bad", severity="error")
    assert [Problem(Origin("file.json"), "said", "a.b", "hint", "warning"), Problem(Origin("file.json"), "bad")] == report.problems


@pytest.mark.parametrize(("error", "text"), [(FieldError("a.b", "said"), "a.b: said"), (FieldError("", "said"), "said")])
def test_errors_name_the_field(error, text):
    """Where there is one."""
    assert text == str(error)


def test_long_values_are_cut():
    """Messages are lines."""
    assert ("[1]", 83) == (shown([1]), len(shown("x" * 200)))
