"""HTTP filters as values."""

from typing import get_args

import pytest

from meshd.snapshot.http_filter import HttpFilterConfig


@pytest.mark.parametrize("kind", get_args(HttpFilterConfig))
def test_one_is_like_another(kind):
    """They have nothing to set."""
    assert {kind()} == {kind(), kind()}


def test_kinds_are_told_apart():
    """Even without settings, so that tables can be keyed by them."""
    kinds = get_args(HttpFilterConfig)
    assert len(kinds) == len({kind() for kind in kinds})
