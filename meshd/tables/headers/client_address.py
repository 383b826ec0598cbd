"""Who the client is, as far as `x-forwarded-for` tells, and whether it is one of ours."""

import ipaddress
from collections.abc import Callable

from meshd.base.addresses import is_ip_address, parse_network
from meshd.tables.interfaces import BuildError

IsInternal = Callable[[str], bool]
"""Tells whether an IP address belongs to an internal client."""


def forwarded_address(forwarded: bytes | None, passed_over: int = 0) -> str:
    """
    Give an address of `x-forwarded-for`, counted from its end; empty if what stands there is none.

    Args:
        forwarded: The header's value, its lines joined; None where there is none.
        passed_over: How many entries at the end do not count.

    Source:
        Envoy's Utility::getLastAddressFromXFF.
    """
    if forwarded is None:
        return ""
    for _ in range(passed_over):
        forwarded, comma, _last = forwarded.rpartition(b",")
        if not comma:
            return ""
    last = forwarded.rpartition(b",")[2].strip().decode("latin-1")
    return last if is_ip_address(last) else ""


def build_is_internal(ranges: tuple[str, ...]) -> IsInternal:
    """
    Return what tells internal clients.

    Raises:
        BuildError: If a range is none.
    """
    networks = []
    for cidr in ranges:
        try:
            networks.append(parse_network(cidr))
        except ValueError as error:
            raise BuildError((f"internal addresses: {error}",)) from None
    if not networks:
        return lambda address: False

    def is_internal(address: str) -> bool:
        ip = ipaddress.ip_address(address)
        return any(ip in network for network in networks)

    return is_internal
