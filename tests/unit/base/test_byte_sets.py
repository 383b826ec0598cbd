"""Byte sets: a text is left as it is exactly if all its bytes are allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.base.byte_sets import keeps


@pytest.mark.parametrize(("allowed", "text", "expected"), [
    (b"abc", b"cab", True), (b"abc", b"", True), (b"abc", b"abd", False), (b"", b"a", False), (b"", b"", True), (b"\x00", b"\x80", False),
])
def test_keeps_what_is_allowed(allowed, text, expected):
    """Every byte counts."""
    assert expected == (text.translate(keeps(allowed)) == text)


@given(st.binary(), st.binary())
def test_agrees_with_deleting(allowed, text):
    """What is left of a text when the allowed bytes are deleted tells the same."""
    assert (not text.translate(None, allowed)) == (text.translate(keeps(allowed)) == text)
