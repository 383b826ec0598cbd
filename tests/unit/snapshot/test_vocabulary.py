"""What is not read of Envoy's configuration."""

import re

import pytest

from meshd.snapshot.vocabulary import HARMLESS, HARMLESS_EXTENSIONS, LEFT_OUT, ONLY, WHOLE_OR_NOT


@pytest.mark.parametrize("table", [*HARMLESS.values(), *LEFT_OUT.values(), HARMLESS_EXTENSIONS])
def test_each_has_its_reason(table):
    """In words that a message may quote."""
    assert [] == [name for name, reason in table.items() if not reason or reason != reason.strip() or reason.endswith(".")]


@pytest.mark.parametrize("message", sorted({*HARMLESS, *LEFT_OUT, *ONLY}))
def test_no_field_is_both(message):
    """Harmless, and not to be done without."""
    fields = [*HARMLESS.get(message, ()), *LEFT_OUT.get(message, ()), *ONLY.get(message, ())]
    assert len(fields) == len(set(fields))
    assert [] == [field for field in fields if not re.fullmatch(r"[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*", field)]


def test_conditions_are_read_whole_or_not_at_all():
    """Without one of them more would match; only their names are harmless."""
    assert {"RouteMatch", "HeaderMatch", "QueryMatch", "StringMatch", "FilterChainMatch"} <= WHOLE_OR_NOT
    assert {"TlsInspector", "OriginalDst"} >= {name for name in HARMLESS if name in WHOLE_OR_NOT}
