"""Which endpoints of a cluster are picked among: priorities by their health, and all of them in a panic."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from meshd.tables.interfaces import BuildPick, Pick
from meshd.worker.upstream.host import UpstreamHost

OVERPROVISIONING: Final = 1.4  # Envoy's default: a priority takes all load down to 72 % of healthy endpoints
PANIC_PERCENT: Final = 50.0  # Envoy's default


@attrs.frozen
class Place:
    """The endpoints of one locality and priority, and its share among those of the same priority."""

    priority: int
    weight: int
    hosts: tuple[UpstreamHost, ...]


def build_priorities(
    places: Iterable[Place], build_pick: BuildPick, random: Callable[[], float], panic_percent: float | None, *, by_locality: bool = False,
) -> Pick:
    """
    Return what picks an endpoint.

    Args:
        places: All endpoints; those that are not `usable` count for health only.
        build_pick: The cluster's balancer.
        random: In [0, 1).
        panic_percent: Below this share of usable endpoints all of a priority are used; None: Envoy's 50, 0: never.
        by_locality: Localities of a priority are chosen by weight before their endpoints.

    Source:
        Envoy 1.40, LoadBalancerBase: each priority takes load by its health times 1.4, the rest goes to the next; where all together cannot take
        it all, those below the panic threshold use every endpoint, and where all priorities do, each has its share of endpoints.
    """
    groups: dict[int, list[Place]] = {}
    for place in places:
        groups.setdefault(place.priority, []).append(place)
    levels = [groups[priority] for priority in sorted(groups)]
    health = [_health(level) for level in levels]
    threshold = PANIC_PERCENT if panic_percent is None else panic_percent
    total = min(100.0, sum(health))
    panics = [threshold > 0 and total < 100.0 and (total == 0.0 or _percent(level) < threshold) for level in levels]
    picks = [_pick_among(level, build_pick, random, panic, by_locality) for level, panic in zip(levels, panics, strict=True)]
    loads = [float(sum(len(place.hosts) for place in level)) for level in levels] if all(panics) else _loads(health, total)
    used = [(load, pick) for load, pick in zip(loads, picks, strict=True) if load > 0]
    if not used:
        return picks[0] if picks else _nothing
    return used[0][1] if len(used) == 1 else _by_load(used, random)


def _nothing() -> None:
    """Pick none: there is none."""


def _percent(level: Sequence[Place]) -> float:
    hosts = [host for place in level for host in place.hosts]
    return 100.0 * sum(host.usable for host in hosts) / len(hosts) if hosts else 0.0


def _health(level: Sequence[Place]) -> float:
    return min(100.0, OVERPROVISIONING * _percent(level))


def _loads(health: list[float], total: float) -> list[float]:
    """Give each priority's share of the load, in percent."""
    if not total:
        return [0.0] * len(health)
    left = 100.0
    loads = []
    for value in health:
        load = min(left, 100.0 * value / total)
        loads.append(load)
        left -= load
    return loads


def _by_load(used: list[tuple[float, Pick]], random: Callable[[], float]) -> Pick:
    whole = sum(load for load, _pick in used)

    def pick() -> object:
        wanted = random() * whole
        for load, chosen in used:
            wanted -= load
            if wanted < 0:
                return chosen()
        return used[-1][1]()

    return pick  # type: ignore[return-value]  # reason: a Pick gives a Host, which the compiler cannot tell of the closure


def _pick_among(level: Sequence[Place], build_pick: BuildPick, random: Callable[[], float], panic: bool, by_locality: bool) -> Pick:
    chosen = [(place.weight, [host for host in place.hosts if panic or host.usable]) for place in level]
    chosen = [(weight, hosts) for weight, hosts in chosen if hosts]
    if not chosen:
        return _nothing
    if not by_locality or len(chosen) == 1:
        return build_pick([host for _weight, hosts in chosen for host in hosts], random)
    return _by_load([(float(weight), build_pick(hosts, random)) for weight, hosts in chosen if weight], random)
