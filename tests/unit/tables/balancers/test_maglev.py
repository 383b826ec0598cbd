"""MAGLEV."""

import pytest

from meshd.tables.balancers.draw import Draw
from meshd.tables.balancers.maglev import _fill, build_maglev
from tests.unit.tables.balancers.hashed import hosts_of, picks, share


def entries(hosts, size):
    """Give the numbers of hosts that a table has."""
    return build_maglev(hosts, Draw(lambda: 0.0), size).__self__._entries


def test_each_host_has_as_many_entries():
    """But for one."""
    table = entries(hosts_of(1, 1, 1), 101)
    assert [33, 34, 34] == sorted(table.count(number) for number in range(3))


def test_entries_follow_weights():
    """None for a weight of 0, unless nobody has any."""
    hosts = hosts_of(4, 1, 0)
    table = entries(hosts, 1009)
    assert {0, 1} == set(table)
    assert 199 <= table.count(1) <= 204
    assert {0, 1} == set(entries(hosts_of(0, 0), 101))


def in_rounds(weights, places, steps, size):
    """Fill a table as Envoy does: round after round, everybody in turn."""
    found, targets, turn = [-1] * size, [0] * len(weights), 0
    while -1 in found:
        turn += 1
        for number in range(len(weights)):
            if turn * weights[number] < targets[number] or -1 not in found:
                continue
            targets[number] += max(weights)
            while found[places[number]] >= 0:
                places[number] = (places[number] + steps[number]) % size
            found[places[number]] = number
    return found


@pytest.mark.parametrize("weights", [[1, 1, 1], [5, 3, 1], [1, 2**32 - 1], [7, 7, 100, 1, 30]])
def test_rounds_in_which_a_host_has_no_turn_are_passed_over(weights):
    """The table is the same as with all of them, however heavy one host is."""
    places, steps = [3 * number for number in range(len(weights))], [number + 1 for number in range(len(weights))]
    assert in_rounds(weights, [*places], steps, 101) == _fill(weights, [*places], steps, 101)


def test_a_key_keeps_its_host():
    """Whatever the order of the hosts."""
    hosts = hosts_of(1, 2, 3, 4)
    assert picks(build_maglev, hosts, size=1009) == picks(build_maglev, hosts[::-1], size=1009)


def test_another_host_takes_about_its_part():
    """A few keys more than that move."""
    hosts = hosts_of(*[1] * 5)
    before, after = picks(build_maglev, hosts[:4]), picks(build_maglev, hosts)
    moved = sum(old != new for old, new in zip(before, after, strict=True))
    assert 16 < 100 * moved / len(after) < 30
    assert 16 < share(after, hosts[4]) < 24


@pytest.mark.parametrize(("size", "expected"), [(2, 2), (65537, 65537), (10**7, 131071), (100, 65537), (0, 65537)])
def test_sizes(size, expected):
    """Primes up to what can be made in time."""
    assert expected == len(entries(hosts_of(1, 1), size))


def test_another_one_is_elsewhere():
    """Envoy changes most bits of the hash by the number of attempts."""
    hosts, draw = hosts_of(*[1] * 20), Draw(lambda: 0.0)
    pick = build_maglev(hosts, draw, 1009)
    names = [host.text for host in sorted(hosts, key=lambda host: host.text)]
    table = pick.__self__._entries
    for again, number in ((1, 7 ^ 2**64 - 1), (2, 7 ^ 2**64 - 2)):
        draw.hash, draw.again = 7, again
        assert names[table[number % 1009]] == pick().text


def test_without_a_hash_by_chance():
    """Each number has its entry."""
    hosts, chances = hosts_of(1, 1), iter([number / 50 for number in range(50)])
    pick = build_maglev(hosts, lambda: next(chances))
    assert set(hosts) == {pick() for _ in range(50)}
