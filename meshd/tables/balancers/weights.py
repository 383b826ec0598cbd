"""What balancers share: choosing by chance, and in turns by weight."""

from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from itertools import count

from meshd.tables.interfaces import Host


def eligible(hosts: Sequence[Host]) -> list[Host]:
    """Return the hosts that have a weight; all of them where none has."""
    return [host for host in hosts if host.weight > 0] or list(hosts)


def build_sample(hosts: Sequence[Host], random: Callable[[], float]) -> Callable[[], Host]:
    """Return what gives one of the hosts (at least one) by chance, each as often as the others."""
    number = len(hosts)
    return lambda: hosts[int(random() * number)]


def build_turns(hosts: Sequence[Host], random: Callable[[], float], cost: Callable[[Host], float]) -> Callable[[], Host]:
    """
    Return what gives one host after the other, each the sooner again the less its turn costs; equals stand in line.

    Args:
        hosts: At least one.
        random: In [0, 1); says who is first, so that many proxies do not begin at the same endpoint.
        cost: Of a turn, asked when it comes.

    Source:
        Envoy's EdfScheduler: earliest deadline first.
    """
    start = int(random() * len(hosts))
    queue = [(cost(host), place, host) for place, host in enumerate([*hosts[start:], *hosts[:start]])]
    heapify(queue)
    places = count(len(queue))

    def turn() -> Host:
        deadline, _, host = queue[0]
        heapreplace(queue, (deadline + cost(host), next(places), host))
        return host

    return turn
