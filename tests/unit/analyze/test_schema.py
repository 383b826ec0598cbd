"""Tests of Problems of reading as messages."""

import attrs
import pytest

from meshd.analyze.schema import coded
from meshd.base.errors import Problem
from meshd.base.origins import Origin
from tests.helpers.resources import drafts_of
from tests.helpers.small_worlds import virtual

PLAIN = Problem(Origin("a.yaml"), "expected a number, got a text")


@pytest.mark.parametrize(
    ("severity", "code", "message"),
    [
        ("error", "IST0106", "Schema validation error: expected a number, got a text"),
        ("warning", "IST0133", "Schema validation warning: expected a number, got a text"),
    ],
)
def test_gives_istios_codes(severity, code, message):
    """One for what cannot be used, another for what is odd."""
    found = coded(attrs.evolve(PLAIN, severity=severity))
    assert (code, message, severity) == (found.code, found.message, found.severity)


def test_a_bad_expression_has_its_own_code():
    """IST0122."""
    (draft,) = drafts_of(virtual("v", "hosts: [web], http: [{match: [{uri: {regex: '('}}], route: [{destination: {host: web}}]}]"))
    assert ["IST0122"] == [coded(problem).code for problem in draft.problems]
