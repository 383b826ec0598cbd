"""Tests of request ids."""

import os
import re

from meshd.tables.headers.request_ids import POOL, RequestIds

SHAPE = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_shaped_like_random_uuids_and_never_the_same():
    """Each id has a UUID's shape, version 4, and none comes twice."""
    ids = RequestIds(os.urandom)
    made = [ids.make() for _ in range(POOL * 3)]
    assert (True, POOL * 3) == (all(SHAPE.fullmatch(one) for one in made), len(set(made)))


def test_entropy_is_drawn_for_many_at_once():
    """One draw serves a whole pool."""
    draws = []

    def entropy(size):
        draws.append(size)
        return bytes(size)

    ids = RequestIds(entropy)
    made = {ids.make() for _ in range(POOL)}
    assert ([4 + 12 * POOL], {b"00000000-0000-4000-8000-000000000000"}) == (draws, made)
