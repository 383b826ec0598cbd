"""Machines of one's own on one network: network namespaces on a bridge. To be used within `tests.helpers.isolation`, which removes them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

BRIDGE = "br0"


@attrs.frozen
class Host:
    """
    A machine: one network namespace.

    Attributes:
        name: Its name; empty for the machine that all others are connected to, which is the namespace we are in.
        address: Its IPv4 address.
    """

    name: str
    address: str

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that enters it, to stand before another command."""
        return ("nsenter", f"--net=/run/netns/{self.name}", "--") if self.name else ()

    def run(self, *command: str, stdin: bytes = b"", seconds: float = 30.0) -> "subprocess.CompletedProcess[bytes]":
        """
        Run a command there.

        Raises:
            subprocess.TimeoutExpired: If it takes longer than `seconds`.
        """
        return subprocess.run([*self.enter, *command], input=stdin, capture_output=True, timeout=seconds, check=False)

    def start(self, *command: str, output: Path, cwd: Path) -> "subprocess.Popen[bytes]":
        """Start a command there; what it writes goes to a file."""
        with output.open("ab") as stream:
            return subprocess.Popen([*self.enter, *command], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=cwd)


def build_network(gateway: Host, hosts: Sequence[Host], prefix_length: int, unreachable: Sequence[str] = ()) -> None:
    """
    Connect machines through a bridge on this one, which routes for them.

    Args:
        gateway: This machine: default route of the others.
        hosts: Made here.
        prefix_length: Of the network they share.
        unreachable: Ranges whose packets are dropped without a word.

    Raises:
        subprocess.CalledProcessError: If something is not permitted, or exists.
    """
    _ip("link", "set", "lo", "up")
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{gateway.address}/{prefix_length}", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for network in unreachable:
        _ip("route", "add", "blackhole", network)
    for number, host in enumerate(hosts):
        port = f"port{number}"
        _ip("netns", "add", host.name)
        _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        _ip("link", "set", port, "master", BRIDGE, "up")
        _ip("-n", host.name, "link", "set", "lo", "up")
        _ip("-n", host.name, "link", "set", "eth0", "up")
        _ip("-n", host.name, "address", "add", f"{host.address}/{prefix_length}", "dev", "eth0")
        _ip("-n", host.name, "route", "add", "default", "via", gateway.address)


def mount_private_run() -> Path:
    """
    Put an empty file system in memory over /run, where namespaces get their names and locks lie; returns it.

    Raises:
        subprocess.CalledProcessError: If it is not permitted.
    """
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True, capture_output=True, text=True)
    return Path("/run")


def mount_over(file: Path, place: Path) -> None:
    """
    Put a file in the place of another, for whoever shares our mount namespace.

    Raises:
        subprocess.CalledProcessError: If it is not permitted, or there is no such place.
    """
    subprocess.run(["mount", "--bind", str(file), str(place)], check=True, capture_output=True, text=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
