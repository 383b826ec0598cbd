"""What a daemon's workers have counted, as Prometheus sees it; requests are counted in test_snapshot_file.py."""

import socket
import urllib.request
from collections.abc import Iterator

import pytest

from tests.helpers.daemon import Daemon, daemon_folder
from tests.helpers.waiting import PATIENCE, wait_for


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give a daemon that is not started yet."""
    with daemon_folder(workers=2) as found:
        yield found


def counted(daemon: Daemon, metric: str, reporter: str) -> float:
    """Give the sum of the series of a metric that one side reports."""
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.ports['prometheus']}/stats/prometheus", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f'{metric}{{reporter="{reporter}"'))


def test_connections_are_counted(daemon):
    """The sum over all workers, within a second or two: here of connections that lead nowhere, as nothing is captured."""
    daemon.start()
    assert 0 == counted(daemon, "istio_tcp_connections_opened_total", "source")
    for port, times in (("outbound", 6), ("inbound", 3)):
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", daemon.ports[port]), 5) as connection:
                connection.recv(1)
    for metric in ("istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total"):
        wait_for(lambda metric=metric: [counted(daemon, metric, side) for side in ("source", "destination")] == [6, 3], f"{metric} is counted")
