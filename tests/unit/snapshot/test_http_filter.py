"""HTTP filters as values."""

from meshd.snapshot.http_filter import Router


def test_one_router_is_like_another():
    """It has nothing to set."""
    assert {Router()} == {Router(), Router()}
