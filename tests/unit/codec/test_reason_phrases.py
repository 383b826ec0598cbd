"""Reason phrases beside another list of them."""

from http import HTTPStatus

import pytest

from meshd.codec.reason_phrases import REASON_PHRASES, UNKNOWN

OLDER = {413: b"Payload Too Large", 414: b"URI Too Long", 416: b"Range Not Satisfiable"}
"""Whose names Python's releases do not agree on; Envoy's are RFC 7231's."""


@pytest.mark.parametrize("status", sorted(REASON_PHRASES))
def test_phrases_are_those_of_the_standard(status):
    """Python's list comes from the same registry."""
    assert REASON_PHRASES[status] == OLDER.get(status, HTTPStatus(status).phrase.encode())


def test_what_envoy_has_no_word_for():
    """It knows neither the early hints nor the teapot."""
    assert {102, 103, 418, 451} == {status.value for status in HTTPStatus} - set(REASON_PHRASES)
    assert b"Unknown" == UNKNOWN
