"""What the workers of a running meshd found out about endpoints: which ones they took out of use, and what names stand for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from meshd.base.addresses import format_address
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint
from meshd.snapshot.snapshot import Snapshot

OURS = "meshd"
"""Key of our own metadata."""

Json = dict[str, Any]


@attrs.frozen
class FoundOut:
    """
    What all workers report together.

    Attributes:
        workers: How many report.
        ejected: How many of them took an endpoint out of use, by cluster and `address:port`; each worker counts failures for itself.
        names: Addresses that names stand for, of any worker.
    """

    workers: int = 0
    ejected: Mapping[tuple[str, str], int] = attrs.field(factory=dict)
    names: Mapping[str, Sequence[str]] = attrs.field(factory=dict)

    def addresses(self, name: str) -> Sequence[str]:
        """Give what a name stands for; itself where nobody knows, as with an address."""
        return self.names.get(name.lower().removesuffix(".")) or (name,)

    def outlier_check(self, cluster: str, place: str) -> str:
        """Give istioctl's word on an endpoint, and how many workers say so where they differ."""
        count = self.ejected.get((cluster, place), 0)
        if not count:
            return "OK"
        return "FAILED" if count == self.workers else f"FAILED ({count} of {self.workers} workers)"


def read_found_out(status: Mapping[str, Any]) -> FoundOut:
    """Read the page `/status` (shape: `meshd.admin.pages`); a meshd of an earlier version reports none of it."""
    reports = [worker.get("status") or {} for worker in status.get("workers") or []]
    ejected: dict[tuple[str, str], int] = {}
    names: dict[str, dict[str, None]] = {}
    for report in reports:
        for cluster, places in (report.get("ejected") or {}).items():
            for place in places:
                ejected[cluster, place] = ejected.get((cluster, place), 0) + 1
        for name, addresses in (report.get("names") or {}).items():
            names.setdefault(name, {}).update(dict.fromkeys(addresses))
    return FoundOut(len(reports), ejected, {name: sorted(addresses) for name, addresses in names.items()})


def with_addresses(snapshot: Snapshot, found: FoundOut) -> Snapshot:
    """Give a snapshot as workers use it: addresses in the place of names, and without endpoints that every worker took out of use."""
    return attrs.evolve(snapshot, endpoints={name: _addressed(assignment, found) for name, assignment in snapshot.endpoints.items()})


def _addressed(assignment: ClusterLoadAssignment, found: FoundOut) -> ClusterLoadAssignment:
    places = tuple(
        attrs.evolve(place, endpoints=tuple(_expand(assignment.cluster_name, place.endpoints, found))) for place in assignment.localities
    )
    return attrs.evolve(assignment, localities=places)


def _expand(cluster: str, endpoints: Iterable[Endpoint], found: FoundOut) -> Iterable[Endpoint]:
    for endpoint in endpoints:
        for address in found.addresses(endpoint.address):
            hostname = endpoint.hostname or (endpoint.address if address != endpoint.address else "")
            out = found.workers and found.ejected.get((cluster, format_address(address, endpoint.port)), 0) == found.workers
            yield attrs.evolve(endpoint, address=address, hostname=hostname, health="UNHEALTHY" if out else endpoint.health)


def annotate(dump: Json, found: FoundOut) -> Json:
    """Give what is served, in Envoy's JSON, with addresses in the place of names and, in metadata, which endpoints are out of use."""
    inline = [cluster["loadAssignment"] for cluster in dump.get("clusters") or [] if cluster.get("loadAssignment")]
    for assignment in (*(dump.get("endpoints") or []), *inline):
        for place in assignment.get("endpoints") or []:
            place["lbEndpoints"] = [
                noted for endpoint in place.get("lbEndpoints") or [] for noted in _noted(assignment.get("clusterName", ""), endpoint, found)
            ]
    return dump


def _noted(cluster: str, endpoint: Json, found: FoundOut) -> Iterable[Json]:
    socket = ((endpoint.get("endpoint") or {}).get("address") or {}).get("socketAddress")
    if not socket:
        yield endpoint
        return
    for address in found.addresses(socket.get("address", "")):
        check = found.outlier_check(cluster, format_address(address, socket.get("portValue", 0)))
        noted = {**endpoint, "endpoint": {**endpoint["endpoint"], "address": {"socketAddress": {**socket, "address": address}}}}
        if check != "OK":
            metadata = (endpoint.get("metadata") or {}).get("filterMetadata") or {}
            noted["metadata"] = {"filterMetadata": {**metadata, OURS: {"outlierCheck": check}}}
        yield noted

