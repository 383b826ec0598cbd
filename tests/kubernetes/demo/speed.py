"""How long it takes from a change in Kubernetes to the answer that it changes."""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for
from tests.kubernetes.cluster import Cluster

CHANGES = 20
FIRST_STATUS = 210  # one a change; with a body, so that the connection stays
PATH = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"


def measure(cluster: Cluster, network: str, address: str) -> tuple[list[float], list[float]]:
    """
    Change a VirtualService with kubectl again and again while a client asks for its host.

    Args:
        cluster: Where.
        network: Namespace of the client, a pod with a sidecar.
        address: Of the service.

    Returns:
        Seconds from the event that a watch got to the first changed answer, and from kubectl's return to it (less than 0: it was there first).
    """
    events: dict[int, float] = {}
    answers: dict[int, float] = {}
    version = cluster.ask("GET", PATH)["metadata"]["resourceVersion"]
    threading.Thread(target=_note_events, args=(cluster, version, events), daemon=True).start()
    asker = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{network}", "--", sys.executable, "-m", "tests.kubernetes.demo.asker", address, "my-nginx"],
        stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )
    threading.Thread(target=_note_answers, args=(asker, answers), daemon=True).start()
    returned = {}
    try:
        wait_for(lambda: 200 in answers, "an answer of the service")
        for status in range(FIRST_STATUS, FIRST_STATUS + CHANGES):
            cluster.kubectl("apply", "-f", "-", stdin=_virtual_service(status))
            returned[status] = time.monotonic()
            wait_for(lambda status=status: status in answers and status in events, f"an answer with {status}")  # type: ignore[misc]  # reason: bound
    finally:
        asker.kill()
        asker.wait()
    return [answers[status] - events[status] for status in returned], [answers[status] - at for status, at in returned.items()]


def shown(seconds: Sequence[float]) -> str:
    """Give figures in words."""
    return f"median {statistics.median(seconds) * 1000:.0f} ms, longest {max(seconds) * 1000:.0f} ms"


def _note_events(cluster: Cluster, version: str, events: dict[int, float]) -> None:
    for event in cluster.watch(PATH, version):
        if event["type"] in ("ADDED", "MODIFIED"):
            events.setdefault(event["object"]["spec"]["http"][0]["directResponse"]["status"], time.monotonic())


def _note_answers(asker: "subprocess.Popen[str]", answers: dict[int, float]) -> None:
    for line in asker.stdout or ():
        at, status = line.split()
        answers.setdefault(int(status), float(at))


def _virtual_service(status: int) -> str:
    answer = {"directResponse": {"status": status, "body": {"string": "answered by the sidecar"}}}
    return json.dumps({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "my-nginx", "namespace": "default"},
        "spec": {"hosts": ["my-nginx"], "http": [answer]},
    })
