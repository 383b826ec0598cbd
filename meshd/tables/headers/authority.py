"""What is taken off a request's authority before anything looks at it: its port, the dot at the end of its host."""

from collections.abc import Callable

from meshd.snapshot.network_filter import HostPort

Shorten = Callable[[bytes, int], bytes]
"""Authority and the port that the client connected to -> the authority that counts."""


def build_shorten(port: HostPort, trailing_dot: bool) -> Shorten | None:
    """
    Return what shortens an authority; None where it stays as it is.

    Args:
        port: Which ports are taken off.
        trailing_dot: Take the dot off the end of the host.

    Source:
        Envoy's maybeNormalizeHost: the dot goes first; a port that is no number stays.
    """
    if port == "" and not trailing_dot:
        return None

    def shorten(authority: bytes, connected_to: int) -> bytes:
        if trailing_dot:
            authority = without_dot(authority)
        if port == "any" or (port == "matching" and port_of(authority) == connected_to):
            return without_port(authority)
        return authority

    return shorten


def without_dot(authority: bytes) -> bytes:
    """Take the dot off the end of the host, be there a port behind it or not."""
    host, dot, rest = authority.rpartition(b".")
    return host + rest if dot and (not rest or rest.startswith(b":")) else authority


def without_port(authority: bytes) -> bytes:
    """Take off the port; IPv6 keeps its brackets."""
    return authority.rpartition(b":")[0] if port_of(authority) is not None else authority


def port_of(authority: bytes) -> int | None:
    """Give the number behind the last colon, unless that stands within brackets; None where there is none."""
    _host, colon, port = authority.rpartition(b":")
    return int(port) if colon and b"]" not in port and port.isdigit() and len(port) <= 10 else None
