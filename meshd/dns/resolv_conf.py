"""What /etc/resolv.conf says: whom to ask, and what to complete names with (resolv.conf(5))."""

import ipaddress
from collections.abc import Collection

import attrs

from meshd.model.node import Node

PATH = "/etc/resolv.conf"
LOOK_INTERVAL = 2.0  # seconds between two looks at the file
MAX_BYTES = 65536
MAX_SERVERS = 8  # glibc asks the first three


@attrs.frozen
class ResolverSettings:
    """
    Addresses of name servers and domains to complete names with, in order.

    Where a server of the machine's own is among them (systemd-resolved, dnsmasq), the others are left out: it asks them itself, and whoever
    took its questions for those of an application would send them back to it, round and round.
    """

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


def read_resolv_conf(text: str, own: Collection[str] = ()) -> ResolverSettings:
    """
    Read the lines that matter; of several `search` or `domain` lines the last counts, others than addresses are left out.

    Args:
        text: Of the file.
        own: The machine's addresses besides those of loopback.
    """
    servers: list[str] = []
    search: tuple[str, ...] = ()
    for line in text[:MAX_BYTES].splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver" and rest:
            server = _address(rest[0])
            if server and server not in servers:
                servers.append(server)
        elif word in ("search", "domain"):
            search = tuple(domain.rstrip(".").lower() for domain in rest if domain != ".")
    local = [server for server in servers if server in own or ipaddress.ip_address(server.partition("%")[0]).is_loopback]
    return ResolverSettings(tuple((local or servers)[:MAX_SERVERS]), search)


def _address(text: str) -> str:
    """Give an address in the form in which it can be connected to, zone kept; empty for anything else."""
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return text


class ResolvConf:
    """
    The file as it was when it was last looked at; it is taken as empty when it cannot be read.

    Attributes:
        settings: What it says, but for what a Node says instead.
    """

    def __init__(self, path: str) -> None:
        """Begin without having looked."""
        self.settings = ResolverSettings()
        self._path = path
        self._servers: tuple[str, ...] = ()
        self._own: tuple[str, ...] = ()

    def use(self, servers: tuple[str, ...], own: tuple[str, ...]) -> None:
        """
        Look at it as a Node wants it.

        Args:
            servers: Ask these instead of those of the file; empty: the file's.
            own: The machine's addresses besides those of loopback.
        """
        self._servers, self._own = servers, own
        self.look()

    def look(self) -> bool:
        """Read it again; tell whether it says something else than before."""
        before = self.settings
        found = load_resolv_conf(self._path, self._own)
        self.settings = attrs.evolve(found, servers=self._servers) if self._servers else found
        return self.settings != before


def captured_servers(node: Node) -> tuple[str, ...]:
    """Give the name servers whose questions a machine diverts to meshd: none where it does not resolve them all, or captures nothing."""
    capture = node.capture
    if not node.dns.enabled or node.dns.mesh_only or node.gateway or not (capture.enabled and capture.outbound):
        return ()
    servers = node.dns.servers or load_resolv_conf(PATH, node.addresses).servers
    return tuple(server for server in servers if "%" not in server)


def load_resolv_conf(path: str, own: Collection[str]) -> ResolverSettings:
    """Read a file; it is empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return read_resolv_conf(file.read(MAX_BYTES).decode(errors="replace"), own)
    except OSError:
        return ResolverSettings()
