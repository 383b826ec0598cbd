"""Matchers as values."""

from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch


def test_a_header_without_a_condition_has_to_be_there():
    """Its value does not matter then."""
    found = HeaderMatch("x")
    assert (None, True, False, False) == (found.value, found.present, found.invert, found.treat_missing_as_empty)


def test_a_query_parameter_without_a_condition_has_to_be_there():
    """Its value does not matter then."""
    assert QueryMatch("q").value is None


def test_case_counts():
    """Unless it is said otherwise; the two differ."""
    assert StringMatch("exact", "a") != StringMatch("exact", "a", ignore_case=True)
