"""RateLimits of a running meshd: its workers share a bucket, which outlives them and changes of everything else."""

import http.client
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.helpers.daemon import Daemon, daemon_folder, free_ports
from tests.helpers.waiting import wait_for

WORKERS = 3
LIMIT = """
apiVersion: meshd.io/v1
kind: RateLimit
metadata: {name: all, namespace: default}
spec: {requests: 30, per: day}
"""
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec: {selector: {app: edge}, servers: [{port: {number: PORT, name: http, protocol: HTTP}, hosts: ["*"]}]}
"""
OTHER = """
apiVersion: v1
kind: Service
metadata: {name: other, namespace: default}
spec: {clusterIP: 10.9.9.9, ports: [{port: 80, name: http}]}
"""
TOO_MANY = http.client.TOO_MANY_REQUESTS


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give an edge proxy that limits what comes in."""
    with daemon_folder(workers=WORKERS) as found:
        node = (found.config / "node.yaml").read_text()
        found.ports["edge"] = free_ports(1)[0]
        found.write("node.yaml", node.replace("spec:\n", "spec:\n  gateway: true\n  labels: {app: edge}\n"))
        found.write("gateway.yaml", GATEWAY.replace("PORT", str(found.ports["edge"])))
        found.write("limit.yaml", LIMIT)
        found.start()
        yield found


def ask(daemon: Daemon, times: int) -> Counter[bool]:
    """Tell how many of so many requests, each on a connection of its own, were too many; others find no route."""
    seen: Counter[bool] = Counter()
    for _ in range(times):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["edge"], timeout=5.0)
        connection.request("GET", "/")
        seen[connection.getresponse().status == TOO_MANY] += 1
        connection.close()
    return seen


def test_workers_share_a_limit(daemon):
    """As many pass as the limit says, whichever workers they come to; a push, a new worker and a new control plane change nothing."""
    assert {False: 30, True: 30} == ask(daemon, 60)
    daemon.write("other.yaml", OTHER)
    wait_for(lambda: {worker["acknowledged"] for worker in daemon.workers()} == {worker["wanted"] for worker in daemon.workers()} != {1}, "a push")
    assert {True: 30} == ask(daemon, 30)
    before = daemon.pids()
    daemon.kill(before[0])
    wait_for(lambda: len(set(daemon.pids()) - set(before)) == 1 and all(worker["serving"] for worker in daemon.workers()), "another worker")
    assert {True: 30} == ask(daemon, 30)
    daemon.kill()
    daemon.start()
    assert {True: 30} == ask(daemon, 30)
