"""Socket addresses and address ranges."""

import ipaddress
from functools import lru_cache

import attrs

INBOUND_SOURCE_IPV4 = "127.0.0.6"  # Istio's InboundPassthroughBindIpv4
INBOUND_SOURCE_IPV6 = "::6"
"""Whence meshd calls the application: capture knows these connections by it, and leaves them alone."""


@attrs.frozen
class SocketAddress:
    """An IP address without brackets, and a port; `str()` brackets IPv6."""

    address: str
    port: int

    def __str__(self) -> str:
        """Give `address:port` as Envoy's access log writes it."""
        return format_address(self.address, self.port)


def format_address(address: str, port: int) -> str:
    """Give `address:port`, IPv6 in brackets; a UNIX socket is its path alone."""
    if is_unix(address):
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_unix(address: str) -> bool:
    """Tell whether the address of an endpoint is a UNIX socket: a path, or `@name` without one."""
    return address.startswith(("/", "@"))


def is_ip_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address without brackets, prefix or zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_ipv6(address: str) -> bool:
    """Tell whether an address that is known to be valid is IPv6."""
    return ":" in address


def canonical_ip(text: str) -> str:
    """
    Give an address in its canonical text form, IPv4-mapped IPv6 as IPv4.

    Raises:
        ValueError: If the text is no IP address.
    """
    ip = ipaddress.ip_address(text)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip)


@lru_cache(maxsize=4096)
def parse_network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """
    Read `10.0.0.0/8` or a single address; host bits may be set.

    Raises:
        ValueError: If the text is neither; netmasks (`/255.0.0.0`) and zones are neither.
    """
    _, slash, length = cidr.partition("/")
    if "%" in cidr or (slash and not (length.isascii() and length.isdigit())):
        raise ValueError(f"expected an address range such as 10.0.0.0/8, got {cidr!r}")
    return ipaddress.ip_network(cidr, strict=False)
