"""What picks are made by."""

import pytest

from meshd.tables.balancers.draw import NO_HASH, Draw, as_draw


@pytest.mark.parametrize(("number", "fraction", "drawn"), [(NO_HASH, 0.5, 2**63), (1, 0.01, 1), (2**64 - 1, 0.15, 2**64 - 1), (0, 0.0, 0)])
def test_a_hash_takes_the_place_of_chance(number, fraction, drawn):
    """Fractions are whole percents of it."""
    draw = Draw(lambda: 0.5)
    draw.hash = number
    assert (fraction, drawn) == (draw(), draw.number())


def test_randomness_alone_never_has_a_hash():
    """A draw is taken as it is."""
    draw = Draw(lambda: 0.0)
    assert (True, NO_HASH) == (draw is as_draw(draw), as_draw(lambda: 0.25).hash)
