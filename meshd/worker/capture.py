"""Where a diverted connection was meant to go, as the kernel remembers it."""

import socket
import struct

_SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h; IP6T_SO_ORIGINAL_DST has the same number
_IPV4 = struct.Struct("!2xH4s8x")  # struct sockaddr_in
_IPV6 = struct.Struct("!2xH4x16s4x")  # struct sockaddr_in6
_MAPPED = "::ffff:"


def plain_address(address: str) -> str:
    """Give an address as the kernel or Python wrote it without zone, an IPv4-mapped one as IPv4."""
    if ":" not in address:
        return address
    address = address.partition("%")[0]
    return address[len(_MAPPED):] if address.startswith(_MAPPED) and "." in address else address


def original_destination(descriptor: socket.socket) -> tuple[str, int] | None:
    """
    Ask the kernel where a connection was addressed before a REDIRECT rule changed it.

    Returns:
        Address and port; None when it was not diverted (or conntrack does not know it).
    """
    ipv6 = descriptor.family == socket.AF_INET6
    if ipv6:
        try:
            port, packed = _IPV6.unpack(descriptor.getsockopt(socket.IPPROTO_IPV6, _SO_ORIGINAL_DST, _IPV6.size))
        except OSError:
            pass  # a connection of IPv4 on a dual-stack socket: asked below
        else:
            return plain_address(socket.inet_ntop(socket.AF_INET6, packed)), port
    try:
        port, packed = _IPV4.unpack(descriptor.getsockopt(socket.IPPROTO_IP, _SO_ORIGINAL_DST, _IPV4.size))
    except OSError:
        return None
    return socket.inet_ntop(socket.AF_INET, packed), port
