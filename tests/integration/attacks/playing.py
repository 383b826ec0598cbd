"""Plays rows through a worker, many at once, and gathers what came of each: answers, log lines, and what the back end saw."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import attrs

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.snapshot import NodeReference, Snapshot
from tests.helpers.waiting import wait_for
from tests.integration.attacks.back_ends import BackEnd, Node, Seen
from tests.integration.attacks.rows import Row

LOGGED = {
    "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "id": "%REQ(X-REQUEST-ID)%", "method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%",
    "host": "%REQ(:AUTHORITY)%", "status": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%", "details": "%RESPONSE_CODE_DETAILS%",
    "received": "%BYTES_RECEIVED%", "sent": "%BYTES_SENT%", "upstream": "%UPSTREAM_HOST%", "cluster": "%UPSTREAM_CLUSTER_RAW%",
}
PROBE = b"GET /probe HTTP/1.1\r\nHost: svc.test\r\n\r\n"
PATIENCE = 5.0


@attrs.frozen
class Answer:
    """One answer as a strict client reads it; informational ones are left out."""

    status: int
    headers: dict[str, str]
    body: bytes


@attrs.frozen
class Outcome:
    """
    What came of a row.

    Attributes:
        answers: In order, without the probe's.
        rest: Bytes after them.
        probed: The answer to another request afterwards, where the connection stayed.
        lines: Of the log, in order, without the probe's.
    """

    answers: list[Answer]
    rest: bytes
    probed: Answer | None
    lines: list[dict[str, str]]


def world(folder: Path, ports: dict[str, int], routes: RouteConfiguration, **listeners: HttpConnectionManager) -> Snapshot:
    """Give a snapshot of HTTP listeners that lead by the same routes to clusters of one endpoint, and log to `folder/log`."""
    logs = (AccessLog(str(folder / "log"), json=True, json_format=json.dumps(LOGGED)),)
    managers = {name: attrs.evolve(manager, route_config_name="", route_config=routes, access_logs=logs) for name, manager in listeners.items()}
    return Snapshot(
        NodeReference("test"),
        listeners={
            name: Listener(name, SocketAddress("0.0.0.0", number), (FilterChain(name, FilterChainMatch(), manager),), bind_to_port=True)
            for number, (name, manager) in enumerate(managers.items(), 1)
        },
        clusters={name: Cluster(name, "EDS", service_name=name) for name in ports},
        endpoints={
            name: ClusterLoadAssignment(name, (LocalityEndpoints(endpoints=(Endpoint("127.0.0.1", port),)),)) for name, port in ports.items()
        },
    )


class Reader:
    """A client's reading of answers, by the grammar and nothing else."""

    def __init__(self, connection: socket.socket) -> None:
        """Begin with nothing read."""
        self._socket = connection
        self.data = b""

    def more(self) -> bool:
        """Read what comes; false at the end, or when nothing comes in time."""
        with suppress(OSError):
            data = self._socket.recv(65536)
            self.data += data
            return bool(data)
        return False

    def take(self, size: int) -> bytes:
        """Give so many bytes; fewer at the end."""
        while len(self.data) < size and self.more():
            pass
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self) -> bytes:
        """Give a line without its CRLF; empty at the end, too."""
        while b"\r\n" not in self.data and self.more():
            pass
        taken, _, self.data = self.data.partition(b"\r\n")
        return taken

    def answer(self, *, to_head: bool = False) -> Answer | None:
        """Give the next final answer; None when none comes."""
        first = self.line()
        if not first:
            return None
        headers = {}
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(": ")
            assert name not in headers or name == "set-cookie", f"{name} twice"
            headers[name] = value
        status = int(first[9:12])
        assert first.startswith(b"HTTP/1.1 ")
        if status < 200:
            return self.answer(to_head=to_head)
        if to_head or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") != "chunked":
            return Answer(status, headers, self.take(int(headers["content-length"])))
        body = b""
        while size := int(self.line(), 16):
            body += self.take(size)
            assert self.line() == b""
        while self.line():
            pass
        return Answer(status, headers, body)


def play(port: int, row: Row) -> tuple[str, list[Answer], bytes, Answer | None]:
    """Play one row over a connection of its own; give its address with what came."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        name = "{}:{}".format(*connection.getsockname())
        reader = Reader(connection)
        with suppress(OSError):
            connection.sendall(row.sends)
        methods = [seen.partition(" ")[0] for seen in row.seen]
        answers = []
        for number in range(len(row.statuses)):
            found = reader.answer(to_head=number < len(methods) and methods[number] == "HEAD")
            if found is None:
                break
            answers.append(found)
        probed = None
        if not row.closes:
            with suppress(OSError):
                connection.sendall(PROBE)
            probed = reader.answer()
        return name, answers, reader.data, probed


def play_all(port: int, rows: list[Row], log: Path) -> dict[str, Outcome]:
    """Play rows, eight at once; give their outcomes by name once all is logged."""
    before = len(read_log(log))
    with ThreadPoolExecutor(8) as pool:
        played = dict(zip([row.name for row in rows], pool.map(lambda row: play(port, row), rows), strict=True))
    wanted = sum(len(row.statuses) + (not row.closes) for row in rows)
    with suppress(AssertionError):
        wait_for(lambda: len(read_log(log)) >= before + wanted, "log lines", PATIENCE)
    lines = read_log(log)[before:]
    return {
        name: Outcome(answers, rest, probed, [line for line in lines if line["peer"] == peer and line["path"] != "/probe"])
        for name, (peer, answers, rest, probed) in played.items()
    }


def read_log(log: Path) -> list[dict[str, str]]:
    """Give the lines written so far."""
    lines = log.read_bytes().splitlines() if log.exists() else []
    return [{key: str(value) for key, value in json.loads(line).items()} for line in lines]


def logged_as_served(log: Path) -> Iterator[tuple[str, str, str, str, int]]:
    """Give what meshd says that it had answered by the back end, in the order of `Seen` but for the length of the body."""
    for line in read_log(log):
        if line["details"] == "via_upstream":
            yield line["id"], line["method"], line["path"], line["host"], int(line["received"])


def seen_by(back_end: BackEnd | Node) -> list[tuple[str, str, str, str, int]]:
    """Give what a back end took for requests, in the same form."""
    return [(seen.request_id, seen.method, seen.target, seen.host, len(seen.body)) for seen in back_end.seen]


def told(seen: Seen) -> str:
    """Give a request as rows have it."""
    return f"{seen.method} {seen.target} {seen.body.decode('latin-1')}"
