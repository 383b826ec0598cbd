"""Changes of headers in Envoy's JSON."""

import pytest

from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.header_changes_json import header_changes
from meshd.snapshot.noted_json import FieldError, Report, note

ROW = header_changes("request_headers", "request")
CHANGES = HeaderChanges((HeaderChange("x", "%PROTOCOL%"), HeaderChange("y", "", "ADD_IF_ABSENT", True)), ("z",))


def test_changes():
    """What is added, then what is taken away."""
    written = ROW.write(CHANGES)
    assert {
        "requestHeadersToAdd": [{"header": {"key": "x", "value": "%PROTOCOL%"}},
                                {"header": {"key": "y", "value": ""}, "appendAction": "ADD_IF_ABSENT", "keepEmptyValue": True}],
        "requestHeadersToRemove": ["z"],
    } == {**written, "requestHeadersToAdd": [written["requestHeadersToAdd"][0], {**written["requestHeadersToAdd"][1],
                                                                                 "header": {"key": "y", "value": ""}}]}
    assert CHANGES == ROW.read(written)
    assert ({}, HeaderChanges()) == (ROW.write(HeaderChanges()), ROW.read({"other": 1}))


@pytest.mark.parametrize(("append", "action"), [(True, "APPEND_IF_EXISTS_OR_ADD"), (False, "OVERWRITE_IF_EXISTS_OR_ADD"),
                                                ({"value": False}, "OVERWRITE_IF_EXISTS_OR_ADD")])
def test_the_older_spelling_of_overwriting_is_read(append, action):
    """It is a wrapped truth value."""
    found = note({"request_headers_to_add": [{"header": {"key": "x", "value": "1"}, "append": append}]}, "", Report("f"))
    assert (HeaderChange("x", "1", action),) == ROW.read(found).add
    assert [] == found.report.problems


@pytest.mark.parametrize(
    "message",
    [{"header": {}}, {"header": {"key": "x", "rawValue": "MQ=="}}, {"header": {"key": "x"}, "appendAction": "OTHER"}, {"header": {"key": 3}}, [],
     None],
)
def test_what_is_not_read_whole_is_refused(message):
    """A header with another value is another header."""
    with pytest.raises(FieldError, match="expected"):
        ROW.read(note({"requestHeadersToAdd": [message]}, "", Report("f")))
