"""What is not read of Envoy's configuration, or not done."""

import re

import attrs
import pytest

from meshd.snapshot import cluster, http_filter, listener, network_filter, route
from meshd.snapshot.vocabulary import HARMLESS, HARMLESS_EXTENSIONS, LEFT_OUT, NOT_DONE, ONLY, WHOLE_OR_NOT
from tests.helpers.source_tree import python_files

# other things of workers and tables have these names, too
ELSEWHERE = frozenset((
    *("max_stream_duration", "max_requests_per_connection", "max_connection_duration", "preserve_case", "idle_timeout", "request_headers"),
    *("response_headers", "host", "port", "path", "scheme", "flags", "via"),
))


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


@pytest.mark.parametrize("message", sorted(NOT_DONE))
def test_what_is_not_done_is_an_attribute(message):
    """Of the value with that name."""
    (kind,) = {getattr(module, message) for module in (cluster, http_filter, listener, network_filter, route) if hasattr(module, message)}
    assert set(attrs.fields_dict(kind)) >= NOT_DONE[message]


def test_what_is_done_leaves_the_list():
    """A worker or a table that reads an attribute acts on it: take it out of NOT_DONE then."""
    source = "".join(path.read_text() for path in python_files("meshd/worker", "meshd/tables"))
    idle = {name for names in NOT_DONE.values() for name in names} - ELSEWHERE
    assert [] == sorted(name for name in idle if re.search(rf"\.{name}\b", source))
