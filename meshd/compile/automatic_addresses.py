"""Automatic addresses: what the hosts of ServiceEntries that say no address are known by, on every machine the same."""

from collections.abc import Iterable

import attrs

from meshd.base.addresses import canonical_ip
from meshd.compile.services import MeshService
from meshd.model.service_entry import ServiceEntry

SLOTS = 256 * 254
"""Places in 240.240.0.0/16, as Istio counts them; those whose last part would be 0 stay empty."""
USABLE = SLOTS - SLOTS // 255
LABEL = "networking.istio.io/enable-autoallocate-ip"
_PREFIX = "240.240."
_PRIME = 65011  # Istio's
_PROBES = 1000  # by the second hash, before places are tried one after the other


def with_addresses(services: Iterable[MeshService]) -> list[MeshService]:
    """
    Give services with automatic addresses for those that want some, one of 240.240.0.0/16 and one of 2001:2::/48.

    An address follows from the namespace and the host; where two hosts meet, the older one has it, so that a new one moves no other. What a
    ServiceEntry's status says, as Istio's own allocation writes it, goes before. The same host of a namespace has the same addresses.

    Args:
        services: Oldest first.

    Source:
        Istio pilot/pkg/serviceregistry/serviceentry, autoAllocateIPs, but for the place of an address, which there moves with others.
    """
    everything = list(services)
    taken = {address for service in everything for address in (*service.addresses, *_assigned(service)) if address.startswith(_PREFIX)}
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    found = []
    for service in everything:
        if wants_address(service):
            key = (service.namespace, service.host)
            addresses = _assigned(service) or known.get(key) or _allocate(service, taken)
            known.setdefault(key, addresses)
            service = attrs.evolve(service, addresses=addresses)
        found.append(service)
    return found


def wants_address(service: MeshService) -> bool:
    """
    Tell whether a service is given addresses: it has none, its host is one name, and its endpoints are known to us and not to the client.

    Source:
        Istio pilot/pkg/networking/serviceentry, ShouldV2AutoAllocateIP.
    """
    entry = service.resource
    if not isinstance(entry, ServiceEntry) or service.addresses or service.host.startswith("*"):
        return False
    return entry.resolution != "NONE" and entry.metadata.labels.get(LABEL, "").lower() != "false"


def _assigned(service: MeshService) -> tuple[str, ...]:
    entry = service.resource
    return entry.assigned.get(service.host, ()) if isinstance(entry, ServiceEntry) else ()


def _allocate(service: MeshService, taken: set[str]) -> tuple[str, ...]:
    """Take the first place that is free; where none is, there is no address."""
    if len(taken) >= USABLE:
        return ()
    for slot in _slots(f"{service.namespace}/{service.host}"):
        third, fourth = divmod(slot + 1, 255)
        address = f"{_PREFIX}{third}.{fourth}"
        if fourth and address not in taken:
            taken.add(address)
            return (address, canonical_ip(f"2001:2::f0f0:{third:x}{fourth:02x}"))
    return ()


def _slots(key: str) -> Iterable[int]:
    """Yield the places of a name, the preferred one first."""
    number = _fnv_1a(key.encode())
    yield number % SLOTS
    second = _PRIME - number % _PRIME
    for probe in range(1, _PROBES):
        yield (number + probe * second) % (SLOTS - 1)
    yield from range(SLOTS)


def _fnv_1a(content: bytes) -> int:
    """Give the 32-bit FNV-1a hash."""
    number = 0x811C9DC5
    for byte in content:
        number = ((number ^ byte) * 0x01000193) & 0xFFFFFFFF
    return number
