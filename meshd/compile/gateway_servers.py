"""The servers of an edge proxy: those of every Gateway that chooses it, put together by port, conflicts settled as Istio settles them."""

from collections.abc import Iterator

import attrs

from meshd.base.errors import Problem
from meshd.base.labels import selects
from meshd.base.origins import Origin
from meshd.compile.kube_backends import find_grants
from meshd.compile.kube_gateways import served_gateways
from meshd.compile.kube_ingresses import ingress_gateways
from meshd.compile.node import Proxy
from meshd.compile.protocols import HTTP_FAMILY, entry_protocol
from meshd.model.gateway import Gateway, Server
from meshd.model.world import World

PASSED_THROUGH = ("PASSTHROUGH", "AUTO_PASSTHROUGH")


@attrs.frozen
class EdgeServer:
    """
    One server with the Gateway that it stands in.

    Attributes:
        gateway: `namespace/name`.
        server: The server.
        hosts: Pairs of a namespace (`*` for any) and a host.
        routes: Name of its route configuration; empty for what is not HTTP.
        origin: The Gateway.
    """

    gateway: str
    server: Server
    hosts: tuple[tuple[str, str], ...]
    routes: str
    origin: Origin

    @property
    def takes_tls(self) -> bool:
        """Tell whether TLS, its own or other people's, comes to it."""
        return is_tls(self.server)


@attrs.frozen
class EdgePort:
    """The servers of one port and bound address, in order."""

    number: int
    bind: str
    servers: tuple[EdgeServer, ...]


def is_tls(server: Server) -> bool:
    """Tell whether a server's connections are TLS."""
    return server.tls is not None and entry_protocol(server.protocol) not in HTTP_FAMILY


def terminates(server: Server) -> bool:
    """Tell whether a server ends the TLS that comes to it."""
    return server.tls is not None and server.tls.mode not in PASSED_THROUGH


def is_http(server: Server) -> bool:
    """Tell whether a server routes requests: plain ones, or those of TLS that it ends."""
    protocol = entry_protocol(server.protocol)
    return protocol in HTTP_FAMILY or (protocol == "https" and terminates(server))


def edge_ports(world: World, proxy: Proxy) -> tuple[list[EdgePort], list[Problem]]:
    """
    Give the ports of an edge proxy, and which servers could not have theirs.

    Source:
        Istio pilot/pkg/model/gateway.go, mergeGateways: the oldest Gateway's protocol wins a port; plain HTTP servers share it, TLS servers share
        it as long as no name stands twice.
    """
    ports: dict[tuple[int, str], _Claims] = {}
    problems: list[Problem] = []
    translated = served_gateways(world, proxy.node, proxy.mesh, find_grants(world))
    translated += ingress_gateways(world, proxy.mesh)
    for gateway in sorted((*world.all(Gateway), *translated), key=lambda found: found.metadata.age_key):
        if selects(gateway.selector, proxy.node.labels):
            for server in _servers(gateway):
                claims = ports.setdefault((server.server.port, server.server.bind), _Claims())
                conflict = claims.conflict(server)
                if conflict:
                    problems.append(Problem(server.origin, conflict, "spec.servers", "give it another port or host", "warning"))
                else:
                    claims.add(server)
    return [EdgePort(number, bind, tuple(claims.servers)) for (number, bind), claims in ports.items()], problems


def _servers(gateway: Gateway) -> Iterator[EdgeServer]:
    metadata = gateway.metadata
    for server in gateway.servers:
        hosts = []
        for host in server.hosts:
            namespace, _, name = host.rpartition("/")
            hosts.append((metadata.namespace if namespace == "." else namespace or "*", name.lower()))
        yield EdgeServer(f"{metadata.namespace}/{metadata.name}", server, tuple(hosts), _route_name(server, gateway), metadata.origin)


def _route_name(server: Server, gateway: Gateway) -> str:
    if entry_protocol(server.protocol) in HTTP_FAMILY:
        return f"http.{server.port}.{server.bind}" if server.bind else f"http.{server.port}"
    if is_http(server):
        return f"https.{server.port}.{server.port_name}.{gateway.metadata.name}.{gateway.metadata.namespace}"
    return ""


@attrs.define(eq=False)
class _Claims:
    """The servers that have a port, by what no other may have there beside them."""

    servers: list[EdgeServer] = attrs.field(factory=list)
    routes: dict[str, EdgeServer] = attrs.field(factory=dict)
    hosts: dict[str, EdgeServer] = attrs.field(factory=dict)

    def add(self, server: EdgeServer) -> None:
        """Let a server have the port."""
        self.servers.append(server)
        self.routes.setdefault(server.routes, server)
        for _namespace, host in server.hosts:
            self.hosts.setdefault(host, server)

    def conflict(self, server: EdgeServer) -> str:
        """Say why a server cannot have the port; empty if it can."""
        if not self.servers:
            return ""
        first, place = self.servers[0], f"port {server.server.port}"
        if first.takes_tls != server.takes_tls:
            return f"expected {place} for itself, found it taken by {first.gateway} with {first.server.protocol}; it is left out"
        if not server.takes_tls:
            shared = server.routes and first.routes
            return "" if shared else f"expected {place} for itself, found it taken by {first.gateway}; it is left out"
        same = self.routes.get(server.routes) if server.routes else None
        if same is not None:
            return f"expected another port name, found {server.server.port_name} of {same.gateway} on {place}; it is left out"
        twice = next((host for _namespace, host in server.hosts if host in self.hosts), "")
        return f"expected names that no other server has on {place}, found {twice} of {self.hosts[twice].gateway}; it is left out" if twice else ""
