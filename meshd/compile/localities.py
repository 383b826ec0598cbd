"""Which endpoints are used first: those near this machine, or in the shares that a policy asks for."""

from collections.abc import Iterable, Mapping
from math import ceil

import attrs

from meshd.base.locality import Locality
from meshd.compile.node import Proxy
from meshd.compile.targets import Target
from meshd.model.node import Node
from meshd.model.traffic_policy import LocalityLb
from meshd.snapshot.endpoint import Endpoint, LocalityEndpoints

Labels = Mapping[str, str]
OTHER_REGION, LAST, RANKS = 3, 4, 5
"""Priorities of another region, and of one that failover does not name; how many there are."""
NETWORK, NODE = "topology.istio.io/network", "kubernetes.io/hostname"
_TOPOLOGY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")
_NEAREST = {
    "PreferSameZone": LocalityLb(failover_priority=(NETWORK, *_TOPOLOGY[:2])),
    "PreferSameNode": LocalityLb(failover_priority=(NETWORK, *_TOPOLOGY, NODE)),
}
"""What Istio makes of a service's traffic distribution."""


def locality_setting(target: Target, proxy: Proxy) -> LocalityLb | None:
    """
    Give the setting that holds for a target, its DestinationRule's before its service's and the mesh's; None where localities do not count.

    Source:
        Istio pilot/pkg/networking/core/loadbalancer: without outlier detection nothing fails over, so only shares count then, and what a
        service says of itself.
    """
    balancer = target.policy.load_balancer
    own = balancer.locality if balancer is not None else None
    nearest = _NEAREST.get(target.service.traffic_distribution) if own is None else None
    if nearest is not None:
        return nearest
    setting = own or proxy.mesh.locality_lb or LocalityLb()
    if setting.enabled is False:
        return None
    return setting if setting.distribute or target.policy.outlier_detection is not None else None


def weighs_localities(target: Target, proxy: Proxy) -> bool:
    """
    Tell whether a target's localities are chosen by their weights before their endpoints are.

    Source:
        What Istio's control plane answers: where a DestinationRule's own setting holds. For shares they must be, whoever's setting it is.
    """
    setting, balancer = locality_setting(target, proxy), target.policy.load_balancer
    return setting is not None and bool(setting.distribute or (balancer is not None and balancer.locality is not None))


def arrange(
    places: Iterable[LocalityEndpoints], labels: Mapping[Endpoint, Labels], setting: LocalityLb, proxy: Proxy,
) -> tuple[LocalityEndpoints, ...]:
    """
    Give the endpoints of a target in the shares, or with the priorities, of a setting.

    Args:
        places: By locality.
        labels: Of the endpoints' workloads.
        setting: What holds.
        proxy: This machine.
    """
    found = list(places)
    own = str(proxy.node.locality)
    if setting.distribute:
        shares = next((shares for source, shares in setting.distribute if _covers(source, own)), None)
        return tuple(found) if shares is None else _share_out(found, shares)
    ranked = _split(found, labels, setting.failover_priority, proxy.node) if setting.failover_priority else [(0, place) for place in found]
    if setting.failover or not setting.failover_priority:
        ranked = [(rank * RANKS + _distance(proxy.node.locality, place.locality, setting.failover), place) for rank, place in ranked]
    return _numbered(ranked)


def _covers(pattern: str, locality: str) -> bool:
    """Tell whether a locality lies within a pattern such as `region/zone/*`."""
    ours, theirs = pattern.split("/"), locality.split("/")
    for place, part in enumerate(ours):
        if part == "*":
            return True
        if place >= len(theirs) or part != theirs[place]:
            return False
    return True


def _share_out(places: list[LocalityEndpoints], shares: Iterable[tuple[str, int]]) -> tuple[LocalityEndpoints, ...]:
    """Give each pattern's percentage to the localities within it, by their own weights; what no pattern names gets nothing."""
    left = list(places)
    found: list[LocalityEndpoints] = []
    for pattern, share in shares:
        within = [place for place in left if _covers(pattern, str(place.locality))]
        left = [place for place in left if place not in within]
        total = sum(place.weight for place in within)
        found += [attrs.evolve(place, weight=ceil(share * place.weight / total)) for place in within if total]
    return tuple(sorted(found, key=lambda place: str(place.locality)))


def _distance(own: Locality, other: Locality, failover: Iterable[tuple[str, str]]) -> int:
    if own.region != other.region:
        target = next((target for source, target in failover if source == own.region), None)
        return OTHER_REGION if target in (None, other.region) else LAST
    if own.zone != other.zone:
        return 2
    return 1 if own.subzone != other.subzone else 0


def _split(
    places: Iterable[LocalityEndpoints], labels: Mapping[Endpoint, Labels], wanted: tuple[str, ...], node: Node,
) -> list[tuple[int, LocalityEndpoints]]:
    """Split localities by how many of the wanted labels, counted from the first, an endpoint has as this machine has them."""
    found = []
    own = {**node.labels, **_topology(node.locality), NODE: node.metadata.name, **({NETWORK: node.network} if node.network else {})}
    for place in places:
        topology = _topology(place.locality)
        groups: dict[int, list[Endpoint]] = {}
        for endpoint in place.endpoints:
            groups.setdefault(len(wanted) - _matched({**labels.get(endpoint, {}), **topology}, wanted, own), []).append(endpoint)
        for priority, endpoints in groups.items():
            found.append((priority, attrs.evolve(place, endpoints=tuple(endpoints), weight=sum(endpoint.weight for endpoint in endpoints))))
    return found


def _topology(locality: Locality) -> Labels:
    """Give the labels that say where a workload is (Istio pkg/kube/labels, AugmentLabels)."""
    parts = (locality.region, locality.zone, locality.subzone)
    return {name: part for name, part in zip(_TOPOLOGY, parts, strict=True) if part}


def _matched(labels: Labels, wanted: tuple[str, ...], own: Labels) -> int:
    count = 0
    for text in wanted:
        name, given, value = text.partition("=")
        if labels.get(name) != (value if given else own.get(name)):
            break
        count += 1
    return count


def _numbered(places: Iterable[tuple[int, LocalityEndpoints]]) -> tuple[LocalityEndpoints, ...]:
    """Number priorities from 0 without gaps, as Envoy asks."""
    ordered = sorted(places, key=lambda pair: pair[0])
    ranks = {priority: rank for rank, priority in enumerate(sorted({priority for priority, _place in ordered}))}
    return tuple(attrs.evolve(place, priority=ranks[priority]) for priority, place in ordered)
