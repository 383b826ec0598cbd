"""Address ranges in Envoy's JSON."""

import pytest

from meshd.snapshot.ranges_json import read_ranges, write_ranges


def test_ranges():
    """An address alone is a range of one; lengths may be wrapped, and are 0 when absent."""
    written = [{"addressPrefix": "10.0.0.0", "prefixLen": 8}, {"addressPrefix": "::1", "prefixLen": 128}]
    assert written == write_ranges(("10.0.0.0/8", "::1"))
    assert ("10.0.0.0/8", "::1/128") == read_ranges(written)
    assert ("0.0.0.0/0", "10.0.0.0/8") == read_ranges([{"addressPrefix": "0.0.0.0"}, {"addressPrefix": "10.0.0.0", "prefixLen": {"value": 8}}])


@pytest.mark.parametrize(
    "message",
    [{}, {"addressPrefix": "x", "prefixLen": 8}, {"addressPrefix": "10.0.0.0", "prefixLen": 33}, {"addressPrefix": 3}, [], None,
     {"addressPrefix": "10.0.0.0", "prefixLen": -1}, {"addressPrefix": "10.0.0.0", "prefixLen": "8x"}],
)
def test_what_is_no_range_is_refused(message):
    """Rather than taken for another."""
    with pytest.raises(ValueError, match="expected"):
        read_ranges([message])
