"""One file played through meshd and through a real Envoy: what differs is a difference between the two."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs

from meshd.snapshot.snapshot import secrets_wanted
from meshd.sources.envoy_file import read_envoy_bytes
from meshd.sources.secret_files import SecretFiles
from tests.helpers.daemon import free_ports
from tests.helpers.proxies import find_envoy, stopped_at_the_end, wait_until
from tests.helpers.running_worker import RunningWorker

Json = dict[str, Any]
Ports = dict[str, int]
T = TypeVar("T")

TYPES = "type.googleapis.com/envoy.extensions"


def envoy_is_missing() -> bool:
    """Tell whether no Envoy is installed."""
    try:
        find_envoy()
    except RuntimeError:
        return True
    return False


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running_envoy(folder: Path, config: Json, port: int) -> Iterator[None]:
    """
    Run a real Envoy, with one worker, while the block lasts.

    Args:
        folder: For its files.
        config: Its bootstrap.
        port: One on which it listens, so that it is known to serve.
    """
    path = folder / "envoy.json"
    path.write_text(json.dumps(config))
    command = [find_envoy(), "-c", str(path), "--concurrency", "1", "--use-dynamic-base-id", "--file-flush-interval-msec", "20", "-l", "error"]
    with open(folder / "output", "wb") as output, stopped_at_the_end(subprocess.Popen(command, stdout=output, stderr=output)):
        wait_until(lambda: listens(port), "Envoy serves", log=folder / "output")
        yield


def play_both(
    folder: Path, build: Callable[[Ports, Path], Json], listeners: tuple[str, ...], play: Callable[[Ports, Path], T], *, told: bool = False,
) -> tuple[T, T]:
    """
    Give what a play comes to with meshd, and with Envoy.

    Args:
        folder: For their files.
        build: Gives the file both read, for the ports of listeners by name and the path of the access log.
        listeners: Their names.
        play: Given the ports and the log; what it returns is compared.
        told: Whether meshd has something to say about the file.
    """
    ports = dict(zip(listeners, free_ports(len(listeners)), strict=True))
    logs = {name: folder / name for name in ("meshd", "envoy")}
    read = read_envoy_bytes(json.dumps(build(ports, logs["meshd"])).encode(), "file")
    assert read.snapshot is not None and bool(read.problems) == told, read.problems
    secrets = SecretFiles(str(folder)).find(secrets_wanted(read.snapshot))
    worker = RunningWorker(attrs.evolve(read.snapshot, secrets=secrets), logs["meshd"])
    try:
        ours = play(worker.ports, logs["meshd"])
    finally:
        worker.close()
    with running_envoy(folder, build(ports, logs["envoy"]), ports[listeners[0]]):
        theirs = play(ports, logs["envoy"])
    return ours, theirs


def endpoint(port: int) -> Json:
    """Give an endpoint on loopback."""
    return {"endpoint": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}}}


def cluster(name: str, *ports: int, **fields: Any) -> Json:
    """Give a STATIC cluster of endpoints on loopback."""
    places = [{"lbEndpoints": [endpoint(port) for port in ports]}]
    return {"name": name, "type": "STATIC", "loadAssignment": {"clusterName": name, "endpoints": places}, **fields}


def log_to(path: Path, fields: str) -> Json:
    """Give an access log with a line of a format."""
    return {"name": "log", "typedConfig": {"@type": f"{TYPES}.access_loggers.file.v3.FileAccessLog", "path": str(path), "logFormat": {
        "textFormatSource": {"inlineString": fields + "\n"}}}}


def http_manager(routes: list[Json], log: Json, **fields: Any) -> Json:
    """Give a connection manager whose one virtual host has some routes, and tells upstreams how often it has tried."""
    hosts = [{"name": "vh", "domains": ["*"], "includeRequestAttemptCount": True, "routes": routes}]
    return {"name": "http", "typedConfig": {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager", "statPrefix": "s", "accessLog": [log],
        "routeConfig": {"name": "r", "validateClusters": False, "virtualHosts": hosts},
        "httpFilters": [{"name": "envoy.filters.http.router", "typedConfig": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}], **fields,
    }}


def tcp_proxy(to: str, log: Json, **fields: Any) -> Json:
    """Give a TCP proxy."""
    return {"name": "tcp", "typedConfig": {
        "@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy", "statPrefix": "s", "cluster": to, "accessLog": [log], **fields}}


def listener(name: str, port: int, network_filter: Json, **fields: Any) -> Json:
    """Give a listener on loopback."""
    return {"name": name, "address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}, "filterChains": [{"filters": [network_filter]}],
            **fields}


def wait_for_lines(log: Path, count: int) -> list[list[str]]:
    """Give the fields of the log's lines, which are separated by `|`, once it has so many."""
    wait_until(lambda: log.exists() and log.read_text().count("\n") >= count, "every log line", 10.0)
    return [line.split("|") for line in log.read_text().splitlines()]
