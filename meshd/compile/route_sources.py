"""What the routes of one egress listener are made from, port by port."""

from collections.abc import Iterator

import attrs

from meshd.compile.host_index import HostIndex
from meshd.compile.http_rules import RuleContext
from meshd.compile.route_rules import catch_all
from meshd.compile.scope import EgressScope
from meshd.compile.services import MeshPort, MeshService
from meshd.compile.virtual_hosts import UNKNOWN_HOSTS_PORT, RouteSources, port_routes, routed
from meshd.model.virtual_service import VirtualService
from meshd.snapshot.route import RouteConfiguration, VirtualHost

Member = tuple[MeshService, MeshPort]


class EgressRoutes:
    """
    The services and VirtualServices of an egress listener, found by port, so that a port costs what it has and not what the listener has.

    Attributes:
        egress: The listener.
    """

    def __init__(self, egress: EgressScope, context: RuleContext) -> None:
        """Sort its services by port; `context` is what rules are translated for, but for the port."""
        self.egress = egress
        self._context = context
        self._members: dict[int, list[Member]] = {}
        self._contexts: dict[int, RuleContext] = {}
        self._rules = HostIndex((host, place) for place, virtual in enumerate(egress.virtual_services) for host in virtual.hosts)
        for service in egress.services:
            for number, port in {port.number: port for port in reversed(service.ports) if port.protocol != "udp"}.items():
                self._members.setdefault(number, []).append((service, port))

    def shared(self) -> Iterator[tuple[int, str]]:
        """Yield the ports, each with the name of the routes that its services share."""
        address = self.egress.bind or self._context.proxy.wildcards[0]
        own = [self.egress.port] if self.egress.proxies else sorted(self._members)
        for number in own:
            yield number or 0, self.egress.route_name(address, number or 0)

    def table(self, number: int, name: str) -> RouteConfiguration:
        """Build the routes that the services with a port share; those of an HTTP proxy are for every port, which a name then says."""
        if not self.egress.proxies:
            return attrs.evolve(port_routes(self.sources(number)), name=name)
        hosts = [_with_port(host, port) for port in sorted(self._members) for host in port_routes(self.sources(port)).virtual_hosts[:-1]]
        origins = tuple(dict.fromkeys(origin for host in hosts for origin in host.origins))
        return RouteConfiguration(name, (*hosts, catch_all(self._context.proxy)), ignore_port_in_host_matching=False, origins=origins)

    def sources(self, number: int) -> RouteSources:
        """Give the sources of the routes that the services with a port share."""
        members = tuple((service, port) for service, port in self._members[number] if routed(port))
        virtual = self.egress.virtual_services if number == UNKNOWN_HOSTS_PORT else self._ruling(members)
        return RouteSources(number, members, virtual, self._rule_context(number))

    def alone(self, service: MeshService, port: MeshPort) -> RouteSources:
        """Give the sources of the routes that one service has for itself."""
        members = ((service, port),)
        return RouteSources(port.number, members, self._ruling(members), self._rule_context(port.number))

    def _ruling(self, members: tuple[Member, ...]) -> tuple[VirtualService, ...]:
        """Give the VirtualServices that may stand for some services, in order."""
        places = {place for service, _port in members for _host, place in self._rules.overlapping(service.host)}
        return tuple(self.egress.virtual_services[place] for place in sorted(places))

    def _rule_context(self, number: int) -> RuleContext:
        """Give what rules are translated for: they know the services that have the port, and no others, as in Istio."""
        context = self._contexts.get(number)
        if context is None:
            known = {service.host: service for service, _port in self._members[number]}
            context = self._contexts[number] = attrs.evolve(self._context, port=number, find_service=known.get, one_port=True)
        return context


def _with_port(host: VirtualHost, number: int) -> VirtualHost:
    """Give a virtual host with the port in its domains; without one they mean port 80."""
    bare = host.domains if number == 80 else ()
    return attrs.evolve(host, domains=(*bare, *(f"{domain}:{number}" for domain in host.domains)))
