"""
An API server as the place where a machine registers: it keeps its WorkloadEntry there, and a Lease of the same name.

The lease is what is renewed, as kubelets do for their nodes: an entry that changed with each heartbeat would be news to everybody who reads entries.
"""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime

from meshd.base.errors import MeshError
from meshd.base.origins import Origin
from meshd.kubernetes.answers import ApiError
from meshd.kubernetes.api import LEASES, WORKLOAD_ENTRIES, WORKLOAD_GROUPS
from meshd.kubernetes.client import KubernetesClient
from meshd.model.kinds import read_resource
from meshd.model.paths import no_lines
from meshd.model.registry_settings import GRACE
from meshd.model.workload_entry import HEALTHY
from meshd.model.workload_group import WorkloadGroup
from meshd.registry.entries import CONNECTED_AT, CONTROLLER, compose_entry, health_status, taken_labels
from meshd.registry.joiner import Welcome
from meshd.registry.registrations import moment
from meshd.registry.statement import Json, Statement

INSTANCE = "meshd.io/instance"  # annotation: the machine whose entry it is
GROUP_LABEL = "meshd.io/workload-group"  # of leases
GROUP_KNOWN = 30.0  # seconds until a WorkloadGroup is asked for again


Connect = Callable[[], KubernetesClient]
"""Gives who asks the API server, the same each time; raises MeshError while it is not known how."""


class HeldError(MeshError):
    """An entry that is another machine's."""


class ClusterDesk:
    """Registers at an API server; every Deferred fails with a MeshError."""

    def __init__(self, connect: Connect, clock: IReactorTime, wall_clock: Callable[[], float], controller: str) -> None:
        """
        Prepare.

        Args:
            connect: Gives who asks the API server.
            clock: A monotonic clock.
            wall_clock: Seconds since the epoch.
            controller: Who writes the entry.
        """
        self._connect = connect
        self._clock = clock
        self._wall_clock = wall_clock
        self._controller = controller
        self._connected = moment(wall_clock())
        self._group: tuple[float, WorkloadGroup, Json] | None = None
        self._held: tuple[str, float] = ("", 0.0)  # when another machine renewed last by its word, and since when we have known that

    def announce(self, said: Statement) -> "Deferred[Welcome]":
        """Say something."""
        return ensureDeferred(self._leave(said) if said.leaving else self._announce(said))

    @property
    def _client(self) -> KubernetesClient:
        return self._connect()

    async def _announce(self, said: Statement) -> Welcome:
        group, owner = await self._find_group(said)
        wanted = compose_entry(group, said, taken_labels(group, said.labels, None), {
            CONTROLLER: self._controller, CONNECTED_AT: self._connected, INSTANCE: said.instance,
        })
        wanted["metadata"]["ownerReferences"] = [owner]
        name = wanted["metadata"]["name"]
        path = WORKLOAD_ENTRIES.path(said.namespace, name)
        found = await self._find(path)
        if found is None:
            found = await self._client.create(WORKLOAD_ENTRIES.path(said.namespace), wanted)
        else:
            if found["metadata"].get("annotations", {}).get(INSTANCE) != said.instance:
                await self._need_free(said.namespace, name)
            change = changed_entry(found, wanted)
            if change is not None:
                found = await self._client.replace(path, change)
        status = changed_status(found, health_status(said, moment(self._wall_clock())))
        if status is not None:
            await self._client.patch(f"{path}/status", {"status": status})
        await self._renew(said, found)
        return Welcome(f"{said.namespace}/{name}", GRACE, group.probe)

    async def _leave(self, said: Statement) -> Welcome:
        group, _ = await self._find_group(said)
        name = compose_entry(group, said, {}, {})["metadata"]["name"]
        path = WORKLOAD_ENTRIES.path(said.namespace, name)
        found = await self._find(path)
        if found is not None and found["metadata"].get("annotations", {}).get(INSTANCE) == said.instance:
            await remove(self._client, said.namespace, name)
        return Welcome(f"{said.namespace}/{name}", GRACE)

    async def _find_group(self, said: Statement) -> tuple[WorkloadGroup, Json]:
        """Give a WorkloadGroup, and how an entry names it as its owner, so that it goes with it."""
        now = self._clock.seconds()
        if self._group is None or now - self._group[0] >= GROUP_KNOWN:
            body = await self._client.get(WORKLOAD_GROUPS.path(said.namespace, said.group))
            resources, problems = read_resource(body, Origin("kubernetes", kind="WorkloadGroup"), no_lines)
            if not resources or not isinstance(resources[0], WorkloadGroup):
                raise MeshError(str(problems[0]) if problems else "expected a WorkloadGroup, got something else")
            owner = {
                "apiVersion": WORKLOAD_GROUPS.api_version, "kind": "WorkloadGroup", "name": said.group, "uid": str(body["metadata"].get("uid")),
                "controller": True,
            }
            self._group = (now, resources[0], owner)
        return self._group[1], self._group[2]

    async def _find(self, path: str) -> Any:
        """Give an object, or None."""
        try:
            return await self._client.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    async def _need_free(self, namespace: str, name: str) -> None:
        """Take over an entry whose machine has not renewed its lease for as long as that counts, by our own clock."""
        lease = await self._find(LEASES.path(namespace, name))
        renewed = str(lease["spec"].get("renewTime")) if lease is not None else "never"
        if renewed != self._held[0]:
            self._held = (renewed, self._clock.seconds())
        if self._clock.seconds() - self._held[1] < GRACE:
            raise HeldError(f"{namespace}/{name} is held by another machine; it is free {GRACE:g} s after that one was heard of last")

    async def _renew(self, said: Statement, entry: Json) -> None:
        name = entry["metadata"]["name"]
        owner = {
            "apiVersion": WORKLOAD_ENTRIES.api_version, "kind": "WorkloadEntry", "name": name, "uid": str(entry["metadata"].get("uid")),
        }
        await self._client.apply(LEASES.path(said.namespace, name), {
            "apiVersion": LEASES.api_version, "kind": LEASES.kind,
            "metadata": {"name": name, "namespace": said.namespace, "labels": {GROUP_LABEL: said.group[:63]}, "ownerReferences": [owner]},
            "spec": {
                "holderIdentity": said.instance, "leaseDurationSeconds": int(GRACE),
                "renewTime": moment(self._wall_clock()).replace("Z", f".{said.sequence % 1_000_000:06}Z"),  # so that each is another one
            },
        }, force=True)


async def remove(client: KubernetesClient, namespace: str, name: str) -> None:
    """
    Remove an entry and its lease; that one of them is not there is no failure.

    Raises:
        MeshError: If the API server cannot be asked, or refuses.
    """
    for path in (WORKLOAD_ENTRIES.path(namespace, name), LEASES.path(namespace, name)):
        try:
            await client.delete(path)
        except ApiError as error:
            if error.status != 404:
                raise


def changed_entry(found: Json, wanted: Json) -> dict[str, Any] | None:
    """Give an entry as it has to be written; None if it is as is wanted. What others have noted of it stays."""
    metadata, ours = found["metadata"], wanted["metadata"]
    annotations = {**metadata.get("annotations", {}), **ours["annotations"]}
    new = {**metadata, "labels": ours["labels"], "annotations": annotations, "ownerReferences": ours["ownerReferences"]}
    if metadata == new and found.get("spec") == wanted["spec"]:
        return None
    return {**found, "metadata": new, "spec": wanted["spec"]}


def changed_status(found: Json, wanted: Mapping[str, Any]) -> Json | None:
    """Give the status to be written; None if it says the same of health already."""
    conditions = (found.get("status") or {}).get("conditions") or []
    known = next((one for one in conditions if one.get("type") == HEALTHY), None)
    [ours] = wanted.get("conditions") or [None]
    if ours is None or (known is not None and (known.get("status"), known.get("message", "")) == (ours["status"], ours.get("message", ""))):
        return None
    return {"conditions": [*(one for one in conditions if one.get("type") != HEALTHY), ours]}
