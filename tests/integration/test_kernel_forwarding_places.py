"""Kernel forwarding where it is used: between machines, by workers without privileges, and through a daemon's whole life."""

import ctypes
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from meshd.control.forwarding import make_forwarding
from tests.helpers.daemon import daemon_folder
from tests.helpers.kernel_rig import KernelRig
from tests.helpers.source_tree import ROOT

CLONE_NEWNET = 0x40000000
BULK = 1 << 20


def _permitted() -> bool:
    try:
        make_forwarding().close()
    except OSError:
        return False
    return os.geteuid() == 0


pytestmark = pytest.mark.skipif(not _permitted(), reason="BPF and namespaces need root")


def inside(namespace: str, call: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in a network namespace, by a thread that enters it."""
    made = []

    def run() -> None:
        with open(f"/run/netns/{namespace}", "rb") as entered:
            assert not ctypes.CDLL(None, use_errno=True).setns(entered.fileno(), CLONE_NEWNET)
        made.append(call())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]


@pytest.fixture
def machines():
    """Give the names of a client's, a proxy's and a server's machine, the proxy's connected to both others over veth."""
    names = [f"meshd-{os.getpid()}-{place}" for place in ("client", "proxy", "server")]

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    try:
        for name in names:
            ip("netns", "add", name)
        for number, other in ((1, names[0]), (2, names[2])):
            ip("link", "add", f"eth{number}", "netns", names[1], "type", "veth", "peer", "name", "eth0", "netns", other)
            ip("-n", names[1], "address", "add", f"10.78.{number}.1/24", "dev", f"eth{number}")
            ip("-n", other, "address", "add", f"10.78.{number}.2/24", "dev", "eth0")
            ip("-n", names[1], "link", "set", f"eth{number}", "up")
            ip("-n", other, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def connection(source: str, target: str, address: str) -> tuple[socket.socket, socket.socket]:
    """Connect from one machine to an address of another."""
    with inside(target, lambda: socket.create_server((address, 0))) as listening:
        place = listening.getsockname()
        one = inside(source, lambda: socket.create_connection(place, 5))
        return one, listening.accept()[0]


@pytest.mark.parametrize("end", ["client half-closes", "server half-closes", "client resets", "server resets"])
def test_between_machines(machines, end):
    """Messages, bulk in the kernel, the way back under way, and each end."""
    client, proxy, server = machines
    rig = KernelRig(lambda: connection(client, proxy, "10.78.1.1"), lambda: connection(proxy, server, "10.78.2.2"))
    try:
        for _ in range(3):
            rig.exchange()
            rig.enter()
            assert rig.forwarded
            rig.exchange()
            rig.client.send(BULK)
            rig.server.send(BULK)
            rig.leave()
            rig.exchange()
        rig.enter()
        rig.exchange()
        side = rig.client if end.startswith("client") else rig.server
        other = rig.server if side is rig.client else rig.client
        if end.endswith("resets"):
            side.reset()
            assert rig.until(lambda: bool(rig.lines) and other.ended == "reset")
        else:
            side.finish()
            other.send(10)
            assert rig.finish()
        [line] = rig.lines
        assert (rig.client.sent, rig.server.sent) == (rig.server.got, rig.client.got)
        assert (len(rig.client.sent), len(rig.server.sent)) == (line.bytes_received, line.bytes_sent)
    finally:
        rig.close()


PROGRAM = """
from meshd.tap.privileges import drop_privileges, refuse_new_privileges
from tests.helpers import kernel_rig
make = kernel_rig.make_forwarding
def make_and_drop():
    maps = make()
    drop_privileges(1337, 1337)
    refuse_new_privileges()
    return maps
kernel_rig.make_forwarding = make_and_drop
rig = kernel_rig.KernelRig()
rig.enter()
entered = rig.forwarded
rig.exchange()
rig.leave()
rig.exchange()
[status] = [line for line in open("/proc/self/status") if line.startswith("CapEff")]
print(entered, rig.finish(), rig.lines[0].bytes_received, status.split()[1])
rig.close()
"""


def test_a_worker_without_privileges():
    """It fills the maps that root made, whatever kernel.unprivileged_bpf_disabled says of making them."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert ("True True 20 0000000000000000\n", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize(("setting", "state"), [("auto", "on"), ("off", "off")])
def test_a_daemon_tells(setting, state):
    """Its workers get maps, or none; none is left behind in the control plane."""
    with daemon_folder(workers=2) as daemon:
        node = (daemon.config / "node.yaml").read_text()
        daemon.write("node.yaml", f"{node}  kernelForwarding: '{setting}'\n")
        daemon.start()
        assert {"state": state, "reason": ""} == daemon.status()["forwarding"]
        assert daemon.process is not None

        def has_maps(pid: int) -> bool:
            return any("bpf-map" in os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd"))

        assert (False, [state == "on"] * 2) == (has_maps(daemon.process.pid), [has_maps(pid) for pid in daemon.pids()])
