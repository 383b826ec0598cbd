"""Names that this machine resolves: those of the services it sees, with their virtual addresses or those of their endpoints."""

from collections.abc import Iterable, Iterator

from meshd.base.addresses import is_ip_address
from meshd.compile.node import Proxy
from meshd.compile.services import MeshService
from meshd.compile.virtual_hosts import short_names
from meshd.compile.workloads import Workloads
from meshd.model.service import Service
from meshd.snapshot.host_addresses import HostAddresses, HostPort


def host_addresses(services: Iterable[MeshService], workloads: Workloads, proxy: Proxy) -> list[HostAddresses]:
    """
    Give the hosts that have addresses, by name; a Kubernetes service stands before a ServiceEntry of the same name.

    Names without an address are left to whoever resolved them before.

    Source:
        Istio pkg/dns/server/name_table.go, BuildNameTable; that names of ExternalName services resolve to what they lead to is ours, since a
        machine has no cluster DNS to ask.
    """
    found: dict[str, HostAddresses] = {}
    for service in sorted(services, key=lambda service: not isinstance(service.resource, Service)):
        for host in _of_service(service, workloads, proxy):
            found.setdefault(host.name, host)
    return [found[name] for name in sorted(found)]


def _of_service(service: MeshService, workloads: Workloads, proxy: Proxy) -> Iterator[HostAddresses]:
    if service.resolution == "alias" or is_ip_address(service.host):
        return
    internal = isinstance(service.resource, Service)
    addresses = tuple(address for address in service.addresses if is_ip_address(address))
    if service.headless:
        backends = [found for found in workloads.behind(service) if found.ready and is_ip_address(found.address)]
        addresses = tuple(dict.fromkeys(found.address for found in backends))
        named: dict[str, list[str]] = {}
        for backend in backends:
            if backend.hostname:
                named.setdefault(backend.hostname, []).append(backend.address)
        for hostname, own in named.items():
            aliases = tuple(f"{hostname}.{short}" for short in short_names(service.host, proxy.domain))
            yield HostAddresses(f"{hostname}.{service.host}", tuple(dict.fromkeys(own)), aliases, (), internal, (service.origin,))
    if addresses:
        names = [short for host in service.aliases for short in (host, *short_names(host, proxy.domain))]
        aliases = tuple(dict.fromkeys((*short_names(service.host, proxy.domain), *names)))
        yield HostAddresses(service.host, addresses, aliases, _named_ports(service) if internal else (), internal, (service.origin,))


def _named_ports(service: MeshService) -> tuple[HostPort, ...]:
    return tuple(HostPort(port.name, "udp" if port.protocol == "udp" else "tcp", port.number) for port in service.ports if port.name)
