"""The bench's machines: one with the servers and one for each proxy, as network namespaces on one bridge."""

import contextlib
import os
import subprocess
from collections.abc import Iterator

import attrs

SERVER = "10.77.0.2"
SERVER_PORT = 9080
SECOND_SERVER = "10.77.0.4"
"""Another address of the server's machine, where one is wanted."""
SERVICE = "10.104.15.140"

_SETTINGS = (
    ("net.ipv4.ip_local_port_range", "10240 65535"),
    ("net.ipv4.tcp_tw_reuse", "1"),
    ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "1"),
)
"""With these, many new connections run out of neither ports nor entries of the kernel's connection table."""


@attrs.frozen
class Host:
    """
    One network namespace.

    Attributes:
        name: Of the namespace.
        address: Its IPv4 address.
    """

    name: str
    address: str

    @property
    def enter(self) -> list[str]:
        """The command that runs another one inside."""
        return ["ip", "netns", "exec", self.name]


def run(*command: str) -> None:
    """
    Run a command that must succeed.

    Raises:
        RuntimeError: With what it printed, if it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


@contextlib.contextmanager
def bench_hosts(names: tuple[str, ...]) -> Iterator[tuple[Host, dict[str, Host]]]:
    """
    Make the server's machine and one for each name; all are gone afterwards.

    Yields:
        The server, and the client machines by name.
    """
    prefix = f"mb{os.getpid()}"
    server = Host(f"{prefix}-server", SERVER)
    clients = {name: Host(f"{prefix}-{name}", f"10.77.0.{10 + number}") for number, name in enumerate(names)}
    hosts = [server, *clients.values()]
    with contextlib.ExitStack() as undo:
        hub = f"{prefix}-hub"
        run("ip", "netns", "add", hub)
        undo.callback(run, "ip", "netns", "delete", hub)
        run("ip", "-n", hub, "link", "add", "name", "bridge0", "type", "bridge")
        run("ip", "-n", hub, "link", "set", "dev", "bridge0", "up")
        for number, host in enumerate(hosts):
            run("ip", "netns", "add", host.name)
            undo.callback(run, "ip", "netns", "delete", host.name)
            run("ip", "-n", hub, "link", "add", "name", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", host.name)
            run("ip", "-n", hub, "link", "set", "dev", f"port{number}", "master", "bridge0", "up")
            run("ip", "-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
            run("ip", "-n", host.name, "link", "set", "lo", "up")
            run("ip", "-n", host.name, "link", "set", "eth0", "up")
            run("ip", "-n", host.name, "route", "add", "default", "via", SERVER if host is not server else "10.77.0.254")
        yield server, clients


def tune(host: Host) -> None:
    """Have a machine last for ten thousand new connections a second."""
    for name, value in _SETTINGS:
        # reason: a kernel without one of them only measures less well
        subprocess.run([*host.enter, "sysctl", "-q", "-w", f"{name}={value}"], capture_output=True, check=False)
