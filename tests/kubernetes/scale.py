"""
A meshd beside an API server with many services: `python -m tests.kubernetes.scale [SERVICES]` prints what the issue's goals ask for.

From the start of `twistd meshd` until all workers serve everything; the control plane's peak memory; from a change of one endpoint, as the API server
has taken it, until the last worker has acknowledged it; the same for a start with the API server gone.
"""

import http.client
import json
import ssl
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from tests.bench.cpu import resident
from tests.bench.many_services import ADDRESSES
from tests.bench.scale import Log
from tests.kubernetes.cluster import ADMIN_TOKEN, Cluster, running_cluster
from tests.kubernetes.reading_meshd import Meshd, reading_meshd

SERVICES = 10_000
ENDPOINTS = 10
WORKERS = 2
CHANGES = 50
PAUSE = 0.2  # seconds between changes: each is pushed by itself
HANDS = 8  # that create objects at once
SERVED = "is served by all workers"
PATH = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


def endpoint_slice(number: int, replaced: int = 0) -> dict[str, object]:
    """Give the EndpointSlice of a service as the controller would, its first endpoint with one of some addresses."""
    high, low = divmod(number, 250)
    first = f"10.{200 + replaced % ADDRESSES}.{high}.{low}"
    addresses = [first, *(f"10.{110 + index}.{high}.{low}" for index in range(1, ENDPOINTS))]
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}],
        "metadata": {"name": f"svc-{number}-1", "namespace": "default", "labels": {"kubernetes.io/service-name": f"svc-{number}"}},
        "endpoints": [{
            "addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False}, "nodeName": f"node-{index}",
            "targetRef": {"kind": "Pod", "namespace": "default", "name": f"svc-{number}-5b6f8-{index}", "uid": f"0-0-0-{number}-{index}"},
        } for index, address in enumerate(addresses)],
    }


class Hand:
    """One connection to the API server."""

    def __init__(self, cluster: Cluster) -> None:
        """Connect to a cluster."""
        trusted = ssl.create_default_context(cadata=cluster.authority.chain)
        self._connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=trusted, timeout=60)

    def send(self, method: str, path: str, body: object) -> None:
        """
        Make one call.

        Raises:
            RuntimeError: If the server says no.
        """
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self._connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")

    def fill(self, numbers: range) -> None:
        """Create services with their endpoints."""
        for number in numbers:
            service = {"metadata": {"name": f"svc-{number}"}, "spec": {"ports": [{"name": "http", "port": 8080}]}}
            self.send("POST", "/api/v1/namespaces/default/services", {"apiVersion": "v1", "kind": "Service", **service})
            self.send("POST", PATH, endpoint_slice(number))


def measure(count: int) -> dict[str, float]:
    """Measure with a number of services; seconds and bytes."""
    with tempfile.TemporaryDirectory() as folder, running_cluster(Path(folder)) as cluster, reading_meshd(WORKERS) as meshd:
        began = time.monotonic()
        with ThreadPoolExecutor(HANDS) as hands:
            list(hands.map(lambda hand: Hand(cluster).fill(range(hand, count, HANDS)), range(HANDS)))
        found = {"filling the API server": time.monotonic() - began}
        meshd.read(cluster.kubeconfig)
        found["start to served"] = start(meshd)
        assert meshd.process is not None
        log, hand = Log(meshd.folder / "output"), Hand(cluster)
        log.wait_for(SERVED)
        times = []
        for number in range(CHANGES):
            time.sleep(PAUSE)  # reason: what is measured is one change by itself
            changed = number * count // CHANGES
            hand.send("PATCH", f"{PATH}/svc-{changed}-1", {"endpoints": endpoint_slice(changed, number % (ADDRESSES - 1) + 1)["endpoints"]})
            began = time.monotonic()
            times.append(log.wait_for(SERVED) - began)
        found |= {"change to last ACK, median": median(times), "change to last ACK, worst": max(times)}
        found["peak RSS of the control plane"] = resident([meshd.process.pid], peak=True)
        cluster.stop_api_server()
        meshd.stop()
        found["start to served, without the API server"] = start(meshd)
        return found


def start(meshd: Meshd) -> float:
    """Start a meshd, and give the seconds until all workers serve everything."""
    began = time.monotonic()
    meshd.start()
    return time.monotonic() - began


if __name__ == "__main__":
    for name, value in measure(int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES).items():
        print(f"{name:45} {value / 1e6:.0f} MB" if "RSS" in name else f"{name:45} {value:.3f} s")
