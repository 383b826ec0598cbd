"""The life of one pod on the node: a thread of its own, from its address to its removal."""

import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tests.kubernetes.cluster import API_SERVICE, Cluster, RefusedError
from tests.kubernetes.kubelet.container import Container, Place
from tests.kubernetes.kubelet.environment import Facts, Json
from tests.kubernetes.kubelet.network import GATEWAY, PodNetwork
from tests.kubernetes.kubelet.volumes import data_of, write_volumes

TURN = 0.02  # seconds between two looks at its containers
PAUSE = 0.2  # seconds until what a pod needs is looked for again
LONGEST_PAUSE = 10.0  # seconds before a container is started again; kubelet waits up to five minutes
API_SERVER = [{"name": "KUBERNETES_SERVICE_HOST", "value": API_SERVICE}, {"name": "KUBERNETES_SERVICE_PORT", "value": "443"}]
MERGE = "application/merge-patch+json"


class Pod:
    """
    One pod.

    Attributes:
        name, namespace: Its own.
        network: Its network namespace.
        containers: By name, in the order in which they start, init containers first.
    """

    def __init__(self, cluster: Cluster, network: PodNetwork, folder: Path, pod: Json) -> None:
        """Begin its life."""
        self.name, self.namespace, self._uid = (str(pod["metadata"][key]) for key in ("name", "namespace", "uid"))
        self.network = f"pod-{self._uid[:8]}"
        self.containers: dict[str, Container] = {}
        self._cluster = cluster
        self._pods_network = network
        self._folder = folder / self._uid
        self._pod = pod
        self._path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self._grace: float | None = None
        self._told: Json = {}
        self._initialized = False
        self._due: dict[str, float] = {}
        threading.Thread(target=self._live, daemon=True, name=self.name).start()

    def end(self, grace: float) -> None:
        """Have it end, in so many seconds at most; from any thread."""
        self._grace = grace

    def _live(self) -> None:
        address = self._pods_network.add(self.network)
        self._pod["status"] = {**self._pod["status"], "podIP": address, "podIPs": [{"ip": address}], "hostIP": GATEWAY, "hostIPs": [{"ip": GATEWAY}]}
        try:
            self._prepare()
            self._initialize()
            self._initialized = True
            for container in self._named("containers"):
                self._start(container)
            while self._grace is None:
                self._turn()
        finally:
            self._stop()
            self._pods_network.remove(self.network)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._cluster.ask("DELETE", self._path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self._uid}})

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True)
        while self._grace is None and not self.containers:
            try:
                self.containers = self._build_containers()
            except RefusedError:
                time.sleep(PAUSE)  # reason: a ConfigMap or Secret that it names is not there yet
        self._tell()

    def _build_containers(self) -> dict[str, Container]:
        facts, spec = Facts(self._pod, self._find), self._pod["spec"]
        place = Place(self.network, self.name, self._folder, write_volumes(self._folder / "volumes", facts, self._token), self._files())
        found = {}
        for wanted in (*spec.get("initContainers", ()), *spec["containers"]):
            stays = wanted in spec["containers"] or wanted.get("restartPolicy") == "Always"
            security = {**spec.get("securityContext", {}), **wanted.get("securityContext", {})}
            changed = {**wanted, "env": [*API_SERVER, *wanted.get("env", ())], "securityContext": security}
            found[wanted["name"]] = Container(changed, place, facts, stays)
        return found

    def _initialize(self) -> None:
        """Let init containers do their work one after another; one that stays has done it when it has started."""
        for container in self._named("initContainers"):
            self._start(container)
            while self._grace is None and not (container.startup.passing if container.stays else container.status() == 0):
                self._turn()

    def _turn(self) -> None:
        """Look at all containers, start those again that ended and should not have, and tell the API server what changed."""
        for container in self.containers.values():
            if container.restarts < 0:
                continue
            container.look()
            if container.status() in (None, 0) and not (container.stays and container.status() == 0):
                continue
            due = self._due.setdefault(container.name, time.monotonic() + min(0.5 * 2**container.restarts, LONGEST_PAUSE))
            if time.monotonic() >= due:
                self._start(container)
        self._tell()
        time.sleep(TURN)  # reason: processes tell of nothing

    def _start(self, container: Container) -> None:
        self._due.pop(container.name, None)
        if self._grace is None:
            container.start()

    def _stop(self) -> None:
        grace = 0.0 if self._grace is None else self._grace
        stopping = [threading.Thread(target=one.stop, args=(grace,)) for one in self.containers.values()]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _tell(self) -> None:
        """Write its status where it changed."""
        ready = self._initialized and all(container.ready for container in self.containers.values() if container.stays)
        conditions = {"PodScheduled": True, "Initialized": self._initialized, "ContainersReady": ready, "Ready": ready}
        status = {
            **{key: self._pod["status"][key] for key in ("podIP", "podIPs", "hostIP", "hostIPs")},
            "phase": "Running" if self._initialized else "Pending",
            "conditions": [{"type": kind, "status": str(well)} for kind, well in conditions.items()],
            "containerStatuses": [container.shown() for container in self._named("containers")],
            "initContainerStatuses": [container.shown() for container in self._named("initContainers")],
        }
        if status != self._told:
            try:
                self._cluster.ask("PATCH", f"{self._path}/status", {"status": status}, MERGE)
                self._told = status
            except RefusedError:
                if self._cluster.is_ready():  # it is the pod that is gone
                    self.end(0)

    def _named(self, which: str) -> list[Container]:
        """Give the containers that one of the two lists of the spec names."""
        return [self.containers[one["name"]] for one in self._pod["spec"].get(which, ()) if one["name"] in self.containers]

    def _files(self) -> Mapping[str, Path]:
        """Write what every container finds at fixed places: who resolves names, and who it is itself."""
        domains = f"{self.namespace}.svc.cluster.local svc.cluster.local cluster.local"
        texts = {
            "/etc/resolv.conf": f"search {domains}\nnameserver {GATEWAY}\noptions ndots:5\n",
            "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{self._pod['status']['podIP']} {self.name}\n",
        }
        for place, text in texts.items():
            (self._folder / Path(place).name).write_text(text)
        return {place: self._folder / Path(place).name for place in texts}

    def _find(self, plural: str, name: str) -> Mapping[str, bytes]:
        return data_of(self._cluster.ask("GET", f"/api/v1/namespaces/{self.namespace}/{plural}/{name}"))

    def _token(self, wanted: Json) -> str:
        bound = {"apiVersion": "v1", "kind": "Pod", "name": self.name, "uid": self._uid}
        spec = {"expirationSeconds": wanted.get("expirationSeconds", 3600), "audiences": [wanted["audience"]] if "audience" in wanted else []}
        account = self._pod["spec"].get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
        return str(self._cluster.ask("POST", path, {"spec": {**spec, "boundObjectRef": bound}})["status"]["token"])
