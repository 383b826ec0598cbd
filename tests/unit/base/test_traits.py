"""Traits are plain classes to Python."""

from meshd.base.traits import trait


def test_a_trait_is_a_class():
    """Marking changes nothing."""
    class Face:
        pass

    assert Face is trait(Face)
