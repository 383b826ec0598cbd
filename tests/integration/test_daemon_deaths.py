"""kill -9 of each process in turn: what serves goes on serving."""

import socket
from collections.abc import Iterator

import pytest

from tests.helpers.daemon import Daemon, daemon_folder, free_ports, is_alive
from tests.helpers.dns_load import lost_questions
from tests.helpers.waiting import wait_for
from tests.integration.test_daemon_serves import SERVICE, clusters, settled


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Give a daemon that serves with two workers."""
    with daemon_folder(workers=2) as found:
        found.write("web.yaml", SERVICE.replace("NAME", "web"))
        found.start()
        wait_for(lambda: found.status()["generation"]["kept"], "the generation is on disk")
        yield found


def accepts(daemon: Daemon) -> bool:
    """Tell whether a connection to the outbound port is taken and ended by a worker."""
    with socket.create_connection(("127.0.0.1", daemon.ports["outbound"]), 5) as connection:
        connection.settimeout(5)
        return connection.recv(1) == b""


def test_workers_outlive_the_control_plane_and_come_back(daemon):
    """Same processes, same sockets, same versions, and nothing is pushed to them."""
    before = daemon.workers()
    versions = daemon.status()["generation"]["versions"]
    daemon.kill()
    assert [True, True] == [is_alive(worker["pid"]) for worker in before]
    assert [200] * 4 == [daemon.health() for _ in range(4)]
    assert accepts(daemon)
    daemon.start()
    after = daemon.workers()
    assert [worker["pid"] for worker in before] == [worker["pid"] for worker in after]
    assert [worker["listening"] for worker in before] == [worker["listening"] for worker in after]
    assert ([0, 0], versions) == ([worker["nonce"] for worker in after], daemon.status()["generation"]["versions"])
    daemon.write("web.yaml", SERVICE.replace("NAME", "other"))
    wait_for(lambda: "outbound|80||other.default.svc.cluster.local" in clusters(daemon) and settled(daemon), "a change arrives as ever")


def test_a_connection_open_across_the_death_goes_on(daemon):
    """A worker's sockets are its own."""
    with socket.create_connection(("127.0.0.1", daemon.ports["health"]), 5) as connection:
        connection.sendall(b"GET /healthz/ready HTTP/1.1\r\n")
        daemon.kill()
        connection.sendall(b"Host: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_start_with_fewer_workers_ends_the_surplus(daemon):
    """And one with other workers missing starts them."""
    first, second = daemon.pids()
    daemon.kill()
    daemon.kill(first)
    daemon.start("--workers=1")
    replaced = daemon.pids()
    assert first not in replaced
    wait_for(lambda: not is_alive(second), "the surplus worker has ended")
    assert 200 == daemon.health()


def test_a_dead_worker_is_replaced_and_its_queue_is_served(daemon):
    """Connections that arrive in between wait, and are answered by the replacement."""
    first, second = daemon.pids()
    daemon.kill(first)
    daemon.kill(second)
    assert [200] * 4 == [daemon.health() for _ in range(4)]
    daemon.wait_until_serving()
    assert not {first, second} & set(daemon.pids())
    assert [1, 1] == [worker["restarts"] for worker in daemon.workers()]
    assert ["killed by SIGKILL"] * 2 == [worker["ended"] for worker in daemon.workers()]


def test_a_worker_of_an_earlier_run_is_watched_too(daemon):
    """It is no child of the new control plane, which replaces it all the same."""
    first = daemon.pids()[0]
    daemon.kill()
    daemon.start()
    daemon.kill(first)
    wait_for(lambda: daemon.pids() and first not in daemon.pids() and len(daemon.pids()) == 2, "the worker is replaced")
    daemon.wait_until_serving()
    assert 200 == daemon.health()


def test_both_kinds_of_death_at_once(daemon):
    """Everything is started anew; the ports are free for it."""
    pids = daemon.pids()
    daemon.kill()
    for pid in pids:
        daemon.kill(pid)
    wait_for(lambda: not any(is_alive(pid) for pid in pids), "all are dead")
    daemon.start()
    assert not set(pids) & set(daemon.pids())
    assert 200 == daemon.health()


def test_a_dead_worker_costs_few_questions():
    """Those that the kernel gave it in its last moments; the others go to the living one at once, and to both when it was replaced."""
    port, = free_ports(1)
    with daemon_folder(workers=2) as daemon:
        node = (daemon.config / "node.yaml").read_text()
        daemon.write("node.yaml", node.replace("ports: {", f"dns: {{enabled: true}}\n  ports: {{dns: {port}, "))
        daemon.write("web.yaml", SERVICE.replace("NAME", "web"))
        daemon.start()
        first, _ = daemon.pids()
        sent, lost = lost_questions(("127.0.0.1", port), "web", 1000, 4.0, lambda: daemon.kill(first))
        assert (4000, True) == (sent, lost <= 20), lost
        wait_for(lambda: all((worker["status"] or {}).get("dns") for worker in daemon.workers()) and daemon.workers(), "both answer again")
        assert (1000, 0) == lost_questions(("127.0.0.1", port), "web", 1000, 1.0, lambda: None)
        answered = [worker["status"]["dns"]["queries"]["table"] for worker in daemon.workers()]
        assert all(answered), answered
