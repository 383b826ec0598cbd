"""Parts of all requests in Envoy's JSON."""

import pytest

from meshd.snapshot.fractions_json import read_percent, write_percent


@pytest.mark.parametrize(
    ("percent", "written"),
    [
        (0.0, {"numerator": 0}), (50.0, {"numerator": 50}), (100.0, {"numerator": 100}),
        (0.1, {"numerator": 1000, "denominator": "MILLION"}), (12.5, {"numerator": 125_000, "denominator": "MILLION"}),
        (0.0001, {"numerator": 1, "denominator": "MILLION"}),
    ],
)
def test_percentages(percent, written):
    """Whole ones are of a hundred, others of a million; each goes there and back."""
    assert written == write_percent(percent)
    assert percent == read_percent(written)


@pytest.mark.parametrize(
    ("written", "percent"), [({}, 0.0), ({"numerator": 5, "denominator": "TEN_THOUSAND"}, 0.05), ({"numerator": 101}, 100.0)],
)
def test_what_others_write(written, percent):
    """No more than all."""
    assert percent == read_percent(written)


@pytest.mark.parametrize("written", [{"denominator": "TEN"}, {"numerator": "x"}, {"numerator": [1]}])
def test_what_is_no_fraction_is_refused(written):
    """Rather than taken for another."""
    with pytest.raises(ValueError, match=r"expected|invalid"):
        read_percent(written)
