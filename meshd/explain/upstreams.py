"""From a cluster's name to the endpoints that may be picked."""

from collections.abc import Sequence
from itertools import groupby

from meshd.base.addresses import format_address, is_ip_address
from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.clusters import tell_of_connections
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import Endpoint
from meshd.snapshot.route import Mirror, WeightedCluster
from meshd.snapshot.snapshot import Snapshot

ENVOY_PANIC_PERCENT = 50.0
OUT = ("UNHEALTHY", "DRAINING")


def choose_upstream(snapshot: Snapshot, cluster: str, weighted: Sequence[WeightedCluster], call: Call, answer: Answer) -> str:
    """
    Fill in cluster and endpoints.

    Returns:
        Empty if there is an endpoint; otherwise the reason, `cluster_not_found` or `no_healthy_upstream`.
    """
    shares = [(one.name, one.weight) for one in weighted if one.weight > 0]
    if not cluster and shares:
        answer.weighted_clusters = tuple(shares)
        total = sum(weight for _, weight in shares)
        answer.took("weighted clusters", "; ".join(f"{name} takes {weight} of {total}" for name, weight in shares))
        if len(shares) == 1:
            answer.cluster = shares[0][0]
    else:
        answer.cluster = cluster
        shares = [(cluster, 1)]
    known = [snapshot.clusters[name] for name, _ in shares if name in snapshot.clusters]
    for name, _ in shares:
        if name not in snapshot.clusters:
            answer.passed(f"cluster {name}", "there is no such cluster")
    if not known:
        return "cluster_not_found"
    answer.endpoints = tuple(place for one in known for place in _endpoints(snapshot, one, call, answer))
    return "" if answer.endpoints else "no_healthy_upstream"


def names_of_endpoints(snapshot: Snapshot, answer: Answer) -> list[str]:
    """Return the host names of the endpoints that may be picked, as far as they have any."""
    clusters = [snapshot.clusters.get(name) for name in (answer.cluster, *(name for name, _ in answer.weighted_clusters))]
    found: dict[str, None] = {}
    for cluster in filter(None, clusters):
        assignment = snapshot.endpoints.get(cluster.service_name or cluster.name)
        for place in assignment.localities if assignment is not None else ():
            for endpoint in place.endpoints:
                name = endpoint.hostname or ("" if is_ip_address(endpoint.address) else endpoint.address)
                if name and format_address(endpoint.address, endpoint.port) in answer.endpoints:
                    found[name] = None
    return list(found)


def tell_of_mirrors(snapshot: Snapshot, mirrors: Sequence[Mirror], answer: Answer) -> None:
    """Note which clusters get a copy of the request, and of how many requests."""
    for mirror in mirrors:
        cluster = snapshot.clusters.get(mirror.cluster)
        if cluster is None:
            answer.passed("mirror", f"there is no cluster {mirror.cluster}")
        else:
            answer.took("mirror", f"{mirror.cluster} gets a copy of {mirror.percent:g} % of requests", cluster.origins)


def _endpoints(snapshot: Snapshot, cluster: Cluster, call: Call, answer: Answer) -> list[str]:
    step = f"cluster {cluster.name}"
    if cluster.type == "ORIGINAL_DST":
        place = format_address(call.address, cluster.upstream_port or call.port)
        answer.took(step, f"goes to the original destination, {place}", cluster.origins)
        return [place]
    assignment = snapshot.endpoints.get(cluster.service_name or cluster.name)
    localities = sorted(assignment.localities, key=lambda locality: locality.priority) if assignment is not None else []
    for priority, group in groupby(localities, key=lambda locality: locality.priority):
        listed = [endpoint for locality in group for endpoint in locality.endpoints]
        usable = _usable(listed, cluster)
        if usable:
            why = f"{len(usable)} of {len(listed)} endpoints of priority {priority} may be picked ({cluster.lb_policy})"
            answer.took(step, why, cluster.origins)
            tell_of_connections(cluster, answer)
            return [format_address(endpoint.address, endpoint.port) for endpoint in usable]
    answer.passed(step, "has no endpoint that may be picked", cluster.origins)
    return []


def _usable(listed: list[Endpoint], cluster: Cluster) -> list[Endpoint]:
    """Return the healthy endpoints, or all of them in panic: when too few are healthy."""
    healthy = [endpoint for endpoint in listed if endpoint.health not in OUT]
    panic = ENVOY_PANIC_PERCENT if cluster.panic_threshold_percent is None else cluster.panic_threshold_percent
    return listed if listed and 100 * len(healthy) / len(listed) < panic else healthy
