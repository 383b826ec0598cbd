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


class Priorities:
    """
    What picks an endpoint, for a request's first try and for later ones.

    Attributes:
        pick: For the first one.
    """

    __slots__ = ("_health", "_levels", "_picks", "_random", "pick")

    def __init__(self, levels: list[list[Place]], health: list[float], picks: list[Pick], random: Callable[[], float], pick: Pick) -> None:
        """Take each priority's places, its health in percent, and what picks among its endpoints."""
        self._levels = levels
        self._health = health
        self._picks = picks
        self._random = random
        self.pick = pick

    def pick_after(self, tried: Sequence[UpstreamHost], every: int) -> Pick:
        """
        Give what picks for another try.

        Args:
            tried: Endpoints that were tried, in order; those that are no longer there have no priority.
            every: After so many tries, and each so many more, the priorities of all that were tried are left out.

        Source:
            Envoy's PreviousPrioritiesRetryPriority: the others take the load by their health; where none is left that could take any, all count
            again, as at first.
        """
        able = {level for level, health in enumerate(self._health) if health > 0}
        out: set[int] = set()
        seen: list[int] = []
        for host in tried:
            seen.append(self._level_of(host))
            if len(seen) % every == 0:
                out.update(seen)
                if able <= out:
                    out.clear()
                    seen.clear()
        if not able or not able & out:
            return self.pick
        health = [0.0 if level in out else value for level, value in enumerate(self._health)]
        return _among(_loads(health, min(100.0, sum(health))), self._picks, self._random)

    def _level_of(self, host: UpstreamHost) -> int:
        return next((level for level, places in enumerate(self._levels) if any(host in place.hosts for place in places)), -1)


def build_priorities(
    places: Iterable[Place], build_pick: BuildPick, random: Callable[[], float], panic_percent: float | None, *, by_locality: bool = False,
) -> Priorities:
    """
    Return what picks an endpoint.

    Args:
        places: All endpoints; those that are not `usable` count for health only.
        build_pick: The cluster's balancer.
        random: In [0, 1).
        panic_percent: Below this share of usable endpoints all of a priority are used; None: Envoy's 50, 0: never.
        by_locality: Localities of a priority are chosen before their endpoints: by weight, less what their health lacks.

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
    return Priorities(levels, health, picks, random, _among(loads, picks, random))


def _among(loads: list[float], picks: list[Pick], random: Callable[[], float]) -> Pick:
    """Pick a priority by its load, then an endpoint."""
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
    chosen = [(place, [host for host in place.hosts if panic or host.usable]) for place in level]
    chosen = [(place, hosts) for place, hosts in chosen if hosts]
    weighed = [(_weight(place, panic), hosts) for place, hosts in chosen if place.weight] if by_locality else []
    if not chosen:
        return _nothing
    if len(weighed) < 2:
        return build_pick([host for _place, hosts in chosen for host in hosts] if not weighed else weighed[0][1], random)
    return _by_load([(weight, build_pick(hosts, random)) for weight, hosts in weighed], random)


def _weight(place: Place, panic: bool) -> float:
    """Give what a locality weighs: less where more of it is unhealthy than a surplus of 40 percent makes good (Envoy's rebuildLocalityScheduler)."""
    return place.weight * (1.0 if panic else _health([place]) / 100.0)
