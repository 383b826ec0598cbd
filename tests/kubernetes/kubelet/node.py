"""
A stand-in for kubelet and scheduler: a node whose pods are network namespaces and processes of this machine.

It must run in network, mount and process namespaces of its own (tests.helpers.isolation), and be root there. Images are programs of this machine
(images.py); the rest of a pod is as its spec says: init containers, volumes, environment, users and capabilities, probes, hooks, restarts.
"""

import threading
import time
from pathlib import Path

from tests.kubernetes.cluster import Cluster, RefusedError
from tests.kubernetes.kubelet.container import Container
from tests.kubernetes.kubelet.environment import Json
from tests.kubernetes.kubelet.network import GATEWAY, PodNetwork
from tests.kubernetes.kubelet.pod import Pod
from tests.kubernetes.kubelet.streaming import StreamingServer

NODE = "node-1"
PAUSE = 0.1  # seconds until it is asked again
PODS = "/api/v1/pods"


class Kubelet:
    """
    The node.

    Attributes:
        pods: Those that live on it, by their uid.
    """

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        """Take a running cluster, and an empty folder for what pods hold."""
        self.pods: dict[str, Pod] = {}
        self._cluster = cluster
        self._folder = folder
        self._network = PodNetwork()
        self._streaming = StreamingServer(GATEWAY, cluster.authority.issue(GATEWAY), folder, self.find)

    def start(self) -> None:
        """Register the node and begin to look for pods."""
        self._cluster.apply(f"""
apiVersion: v1
kind: Node
metadata: {{name: {NODE}, labels: {{kubernetes.io/hostname: {NODE}, topology.kubernetes.io/region: here, topology.kubernetes.io/zone: a}}}}
""")
        status = {
            "addresses": [{"type": "InternalIP", "address": GATEWAY}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._streaming.port}},
            "declaredFeatures": ["ExtendWebSocketsToKubelet"],
        }
        self._cluster.ask("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status}, "application/merge-patch+json")
        self._streaming.start()
        threading.Thread(target=self._watch, daemon=True, name="kubelet").start()

    def find(self, namespace: str, name: str) -> Pod | None:
        """Give a pod by its name."""
        return next((pod for pod in list(self.pods.values()) if (pod.namespace, pod.name) == (namespace, name)), None)

    def containers(self, namespace: str, name: str) -> dict[str, Container]:
        """Give the containers of a pod that is there, by their names."""
        pod = self.find(namespace, name)
        assert pod is not None, f"{namespace}/{name} is not on this node"
        return pod.containers

    def _watch(self) -> None:
        """Follow pods for ever: those that there are, then what changes; from the start again where that ends."""
        while True:
            try:
                listed = self._cluster.ask("GET", PODS)
                for pod in listed["items"]:
                    self._see(pod)
                for uid in self.pods.keys() - {pod["metadata"]["uid"] for pod in listed["items"]}:
                    self.pods.pop(uid).end(0)
                for event in self._cluster.watch(PODS, listed["metadata"]["resourceVersion"]):
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._see(event["object"])
                    elif event["type"] == "DELETED":
                        self.pods.pop(event["object"]["metadata"]["uid"], None)
            except RefusedError:
                time.sleep(PAUSE)  # reason: the API server is away, and tells nobody when it is back

    def _see(self, pod: Json) -> None:
        uid, name, namespace = (pod["metadata"][key] for key in ("uid", "name", "namespace"))
        known = self.pods.get(uid)
        if pod["metadata"].get("deletionTimestamp"):
            if known is not None:
                known.end(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0))
        elif "nodeName" not in pod["spec"]:
            body = {"metadata": {"name": name}, "target": {"kind": "Node", "name": NODE}}
            self._cluster.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/binding", body)
        elif pod["spec"]["nodeName"] == NODE and known is None:
            self.pods[uid] = Pod(self._cluster, self._network, self._folder, pod)
