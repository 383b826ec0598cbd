"""The PROXY protocol's header: who a connection is from, and where it was meant to go, before its first byte."""

import struct
from ipaddress import ip_address
from typing import Final

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_PROXIED: Final = 0x21  # version 2, not of our own
_TCP_4, _TCP_6 = 0x11, 0x21
_MAPPED: Final = "::ffff:"


def write_proxy_header(version: str, source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """
    Give the header.

    Args:
        version: `V1` for text, `V2` for bytes.
        source: Address and port of the client.
        destination: Where it meant to connect. Where one of the two is of IPv6 and the other of IPv4, that one is written as mapped to IPv6.

    Source:
        HAProxy's proxy-protocol.txt, sections 2.1 and 2.2.
    """
    addresses = [source[0], destination[0]]
    ipv6 = any(":" in address for address in addresses)
    if ipv6:
        addresses = [address if ":" in address else _MAPPED + address for address in addresses]
    if version == "V1":
        return f"PROXY TCP{6 if ipv6 else 4} {' '.join(addresses)} {source[1]} {destination[1]}\r\n".encode()
    packed = b"".join(ip_address(address).packed for address in addresses) + struct.pack("!HH", source[1], destination[1])
    return SIGNATURE + struct.pack("!BBH", _PROXIED, _TCP_6 if ipv6 else _TCP_4, len(packed)) + packed
