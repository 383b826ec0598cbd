"""Clusters whose endpoints have names: which names they are, and the endpoints that these stand for now."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import attrs

from meshd.base.addresses import is_ip_address
from meshd.base.hostnames import is_hostname
from meshd.snapshot.cluster import NAMED, Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.worker.upstream.followed_name import FollowedName, LookupMeans, Question
from meshd.worker.upstream.merge_window import MergeWindow

MOST_TOLD = 1000


class NamedClusters:
    """
    Follows the names of a snapshot's clusters, also of those that nothing was sent to yet: the first request finds addresses.

    A name is looked up once for all clusters that ask alike, and goes on being followed when a push brings it again. Answers are gathered, as a
    cluster of many names would be built anew for each of them.
    """

    __slots__ = ("_changed", "_clusters", "_followed", "_means", "_users", "_windows")

    def __init__(self, means: LookupMeans, changed: Callable[[str], None]) -> None:
        """Begin with none; `changed` is called with the name of a cluster that has other endpoints from now on."""
        self._means = means
        self._changed = changed
        self._clusters: dict[str, tuple[Cluster, ClusterLoadAssignment]] = {}
        self._followed: dict[Question, FollowedName] = {}
        self._users: dict[Question, list[str]] = {}
        self._windows: dict[str, MergeWindow] = {}

    def use(self, clusters: Mapping[str, Cluster], endpoints: Mapping[str, ClusterLoadAssignment]) -> None:
        """Take the clusters and endpoints of another snapshot."""
        self._clusters = {name: (cluster, endpoints[name]) for name, cluster in clusters.items() if cluster.type in NAMED and name in endpoints}
        self._users = {}
        for name, (cluster, assignment) in self._clusters.items():
            for question in questions_of(cluster, assignment):
                self._users.setdefault(question, []).append(name)
        for name in [name for name in self._windows if name not in self._clusters]:
            self._windows.pop(name).cancel()
        for question in [question for question in self._followed if question not in self._users]:
            self._followed.pop(question).stop()
        for question in [question for question in self._users if question not in self._followed]:
            self._follow(question)

    def assignment(self, name: str) -> ClusterLoadAssignment | None:
        """Give the endpoints of a cluster as they are now; None for one that has no names."""
        found = self._clusters.get(name)
        return resolved(*found, self._followed) if found is not None else None

    def addresses(self) -> dict[str, list[str]]:
        """Give what names stand for now, sorted; at most `MOST_TOLD` names, since a report goes out each second."""
        found: dict[str, set[str]] = {}
        for question, followed in islice(self._followed.items(), MOST_TOLD):
            found.setdefault(question.name, set()).update(followed.addresses or followed.last_addresses)
        return {name: sorted(addresses) for name, addresses in found.items()}

    def stop(self) -> None:
        """Look nothing up any more."""
        self.use({}, {})

    def _follow(self, question: Question) -> None:
        first: tuple[str, ...] = ()
        all_of_them: frozenset[str] = frozenset()

        def changed() -> None:
            nonlocal first, all_of_them
            before = (first, all_of_them)
            first, all_of_them = followed.last_addresses[:1], frozenset(followed.addresses)
            for name in self._users.get(question, ()):
                logical = self._clusters[name][0].type == "LOGICAL_DNS"
                if first != before[0] if logical else all_of_them != before[1]:
                    self._gather(name)

        followed = self._followed[question] = FollowedName(question, self._means, changed)
        followed.look()

    def _gather(self, name: str) -> None:
        window = self._windows.get(name)
        if window is None:
            window = self._windows[name] = MergeWindow(self._means.wheel, self._means.seconds, lambda: self._changed(name))
        window.ask()


def questions_of(cluster: Cluster, assignment: ClusterLoadAssignment) -> Iterable[Question]:
    """Give what a cluster's names have to be asked for, each once."""
    found = (_question(cluster, endpoint) for place in assignment.localities for endpoint in place.endpoints)
    return dict.fromkeys(question for question in found if question is not None)


def _question(cluster: Cluster, endpoint: Endpoint) -> Question | None:
    """Ask for the name of an endpoint, if it has one."""
    name = endpoint.address.lower().removesuffix(".")
    if is_ip_address(name) or not is_hostname(name):
        return None
    return Question(name, cluster.dns_lookup_family, cluster.dns_refresh_rate, cluster.respect_dns_ttl)


def resolved(cluster: Cluster, assignment: ClusterLoadAssignment, followed: Mapping[Question, FollowedName]) -> ClusterLoadAssignment:
    """
    Give a cluster's endpoints with addresses in the place of names; two names of one address make one endpoint.

    Source:
        Envoy's StrictDnsClusterImpl: every address, in an order that an answer's order does not change; LogicalDnsCluster: the first one
        of the last answer that had one; both keep the name as the endpoint's host name.
    """
    seen: set[tuple[str, int]] = set()
    places = []
    for place in assignment.localities:
        endpoints = []
        for endpoint in place.endpoints:
            for found in _addressed(cluster, endpoint, followed):
                if (found.address, found.port) not in seen:
                    seen.add((found.address, found.port))
                    endpoints.append(found)
        places.append(LocalityEndpoints(place.locality, tuple(endpoints), place.priority, place.weight))
    return attrs.evolve(assignment, localities=tuple(places))


def _addressed(cluster: Cluster, endpoint: Endpoint, followed: Mapping[Question, FollowedName]) -> list[Endpoint]:
    """Give the endpoints of one name; one with an address is itself, and what is neither is none."""
    question = _question(cluster, endpoint)
    if question is None:
        return [endpoint] if is_ip_address(endpoint.address) else []
    name = followed.get(question)
    if name is None:
        return []
    addresses = name.last_addresses[:1] if cluster.type == "LOGICAL_DNS" else sorted(name.addresses)
    return [attrs.evolve(endpoint, address=address, hostname=endpoint.hostname or endpoint.address) for address in addresses]
