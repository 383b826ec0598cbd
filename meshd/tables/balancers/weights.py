"""What balancers share: choosing by weight."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from meshd.tables.interfaces import Host


def eligible(hosts: Sequence[Host]) -> list[Host]:
    """Return the hosts that have a weight; all of them where none has."""
    return [host for host in hosts if host.weight > 0] or list(hosts)


def build_sample(hosts: Sequence[Host], random: Callable[[], float]) -> Callable[[], Host]:
    """Return what gives one of the hosts (at least one) by chance, each as often as its weight says."""
    if len({host.weight for host in hosts}) == 1:
        count = len(hosts)
        return lambda: hosts[int(random() * count)]
    sums = list(accumulate(host.weight for host in hosts))
    total = sums[-1]
    return lambda: hosts[bisect_right(sums, random() * total)]
