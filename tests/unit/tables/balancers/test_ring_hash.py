"""RING_HASH."""

import pytest

from meshd.base.xxhash64 import xxhash64
from meshd.tables.balancers.draw import Draw
from meshd.tables.balancers.ring_hash import build_ring_hash
from tests.unit.tables.balancers.hashed import hosts_of, picks, share


def places(hosts, sizes, draw=None):
    """Give the number of places on a ring."""
    return len(build_ring_hash(hosts, draw or Draw(lambda: 0.0), sizes).__self__._hashes)


def test_a_key_goes_to_the_first_place_at_or_behind_it():
    """Places are hashes of the address, the port and a number; behind the last comes the first."""
    hosts = hosts_of(1, 1)
    ring = sorted((xxhash64(f"{host.text}_{number}".encode()), host) for host in hosts for number in range(2))
    draw = Draw(lambda: 0.0)
    pick = build_ring_hash(hosts, draw, (4, 4))
    for number, host in [*ring, *((number - 1, host) for number, host in ring), (ring[-1][0] + 1, ring[0][1])]:
        draw.hash = number
        assert host is pick()


def test_a_key_keeps_its_host():
    """Whatever the order of the hosts, as a mesh's proxies need not have the same."""
    hosts = hosts_of(1, 1, 1, 1)
    assert picks(build_ring_hash, hosts) == picks(build_ring_hash, hosts) == picks(build_ring_hash, hosts[::-1])


def test_another_host_takes_its_part_only():
    """Keys that move go to the new one, where the others keep their places; fewer than half move where the ring keeps its size."""
    before, after = picks(build_ring_hash, hosts_of(*[1] * 4)), picks(build_ring_hash, hosts_of(*[1] * 5), sizes=(1280, 1280))
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert {"10.0.0.5:80"} == set(moved)
    assert 12 < 100 * len(moved) / len(after) < 28
    same_size = picks(build_ring_hash, hosts_of(*[1] * 5))
    assert sum(old != new for old, new in zip(before, same_size, strict=True)) < len(before) / 2


def test_weights():
    """Shares follow them; nothing goes to a weight of 0, unless nobody has any."""
    hosts = hosts_of(3, 1, 0)
    names = picks(build_ring_hash, hosts)
    assert (True, 0) == (65 < share(names, hosts[0]) < 85, share(names, hosts[2]))
    assert {host.text for host in hosts_of(0, 0)} == set(picks(build_ring_hash, hosts_of(0, 0)))


@pytest.mark.parametrize(
    ("weights", "sizes", "expected"),
    [
        ((1,), (), 1024), ((1, 1, 1), (), 1026), ((1, 2), (4, 100), 6), ((1, 1, 1, 1), (1024, 6), 6), ((1,), (0, 0), 1),
        ((1,), (10**9, 10**9), 65536),
    ],
)
def test_sizes(weights, sizes, expected):
    """The lightest host has a whole number of places; settings, and what can be made in time, limit them."""
    assert expected == places(hosts_of(*weights), sizes)


def test_another_one_is_the_next_place():
    """For tries that are not to go where they have been."""
    hosts = hosts_of(1, 1, 1)
    draw = Draw(lambda: 0.0)
    pick = build_ring_hash(hosts, draw, (3, 3))
    draw.hash, given = 0, set()
    for again in range(3):
        draw.again = again
        given.add(pick())
    assert set(hosts) == given


def test_without_a_hash_by_chance():
    """Each number has its place."""
    hosts, chances = hosts_of(1, 1), iter([number / 50 for number in range(50)])
    pick = build_ring_hash(hosts, lambda: next(chances))
    assert set(hosts) == {pick() for _ in range(50)}
