"""Changes of headers."""

from meshd.snapshot.header_changes import NO_CHANGES, HeaderChange, HeaderChanges


def test_nothing_is_changed_unless_it_is_said():
    """A change appends, as in Envoy."""
    assert HeaderChanges() == NO_CHANGES
    assert ("APPEND_IF_EXISTS_OR_ADD", False) == (HeaderChange("x", "1").action, HeaderChange("x", "1").keep_empty)
