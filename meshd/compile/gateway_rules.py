"""Which VirtualServices stand for a server of a Gateway, and for which of its hosts."""

from collections.abc import Iterable

from meshd.compile.gateway_servers import EdgeServer
from meshd.compile.host_index import HostIndex
from meshd.compile.hosts import covers
from meshd.compile.virtual_services import seen_by
from meshd.model.mesh import Mesh
from meshd.model.virtual_service import VirtualService

Placed = tuple[int, VirtualService]


class GatewayRules:
    """The VirtualServices that an edge proxy sees, by gateway and host."""

    def __init__(self, virtual_services: Iterable[VirtualService], namespace: str, mesh: Mesh) -> None:
        """Take all VirtualServices, and the namespace that they are seen from."""
        self._namespace = namespace
        self._mesh = mesh
        self._of_gateway: dict[str, list[VirtualService]] = {}
        self._indexed: dict[str, HostIndex[Placed]] = {}
        for virtual in virtual_services:
            for gateway in dict.fromkeys(virtual.gateways):
                self._of_gateway.setdefault(gateway, []).append(virtual)

    def of(self, server: EdgeServer) -> list[tuple[VirtualService, list[str]]]:
        """
        Give the VirtualServices of a server, in order, each with the hosts that it has in common with it: the narrower of two.

        Source:
            Istio pkg/config/host, Names.Intersection.
        """
        index = self._index(server.gateway)
        found: dict[int, tuple[VirtualService, dict[str, None]]] = {}
        for namespace, ours in server.hosts:
            for theirs, (place, virtual) in index.overlapping(ours):
                if namespace in ("*", virtual.metadata.namespace):
                    common = found.setdefault(place, (virtual, {}))[1]
                    common[theirs if covers(ours, theirs) else ours] = None
        return [(virtual, list(common)) for _place, (virtual, common) in sorted(found.items())]

    def _index(self, gateway: str) -> HostIndex[Placed]:
        index = self._indexed.get(gateway)
        if index is None:
            seen = seen_by(self._of_gateway.get(gateway, ()), self._namespace, gateway, self._mesh)
            pairs = ((host, (place, virtual)) for place, virtual in enumerate(seen) for host in virtual.hosts)
            index = self._indexed[gateway] = HostIndex(pairs)
        return index
