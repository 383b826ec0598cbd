"""The machine that a snapshot is compiled for, with what follows from its addresses and from the mesh-wide settings."""

import json

import attrs

from meshd.base.addresses import is_ipv6
from meshd.base.origins import Origin
from meshd.compile.hosts import resolve_host
from meshd.compile.names import BLACK_HOLE, PASSTHROUGH, UNSPECIFIED, UNSPECIFIED_V6, outbound_cluster
from meshd.compile.peer_modes import PERMISSIVE, PeerModes
from meshd.model.mesh import Mesh
from meshd.model.node import Node
from meshd.model.sidecar import Sidecar
from meshd.snapshot.network_filter import AccessLog


@attrs.frozen
class Proxy:
    """
    Who is compiled for.

    Attributes:
        node: The machine.
        mesh: Settings of the whole mesh.
        ipv4 / ipv6: Which families its addresses have; a machine without known addresses counts as IPv4.
        domain: DNS domain of its workload, `default.svc.cluster.local`.
        sidecar: The resource that narrows what it sees, or None.
        access_logs: What every filter that logs writes to; empty when logging is off.
        peers: What is asked of those who connect to it.
    """

    node: Node
    mesh: Mesh
    ipv4: bool
    ipv6: bool
    domain: str
    access_logs: tuple[AccessLog, ...] = ()
    sidecar: Sidecar | None = None
    peers: PeerModes = PERMISSIVE

    @property
    def wildcards(self) -> tuple[str, ...]:
        """The unspecified addresses that it listens on; the first names its shared listeners."""
        return ((UNSPECIFIED,) if self.ipv4 else ()) + ((UNSPECIFIED_V6,) if self.ipv6 else ())

    @property
    def loopback(self) -> str:
        """The loopback address that its applications call."""
        return "127.0.0.1" if self.ipv4 else "::1"

    def reachable(self, address: str) -> bool:
        """Tell whether an IP address is of a family that the machine has."""
        return self.ipv6 if is_ipv6(address) else self.ipv4

    def chosen(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """
        Give those of a service's addresses that are of the machine's families; where none is, the first, which nobody here reaches.

        Source:
            Istio pilot/pkg/model/service.go, getAllAddressesForProxy: without it, such a service would have none and take its ports everywhere.
        """
        return tuple(address for address in addresses if self.reachable(address)) or addresses[:1]

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Where what no service asked for comes from: the mesh's settings."""
        return (self.mesh.metadata.origin,)

    @property
    def registry_only(self) -> bool:
        """Whether destinations that no service names are refused."""
        own = self.sidecar.outbound_mode if self.sidecar is not None else None
        return (own or self.mesh.outbound_traffic_policy) == "REGISTRY_ONLY"

    @property
    def dynamic_dns(self) -> bool:
        """Whether requests to hosts that no service names have a cluster of their own."""
        own = self.sidecar.outbound_mode if self.sidecar is not None else None
        return (own or self.mesh.outbound_traffic_policy) == "ALLOW_ANY_DYNAMIC_DNS"

    @property
    def unknown_cluster(self) -> str:
        """Name of the cluster of destinations that no service names: refused, passed through, or sent to the Sidecar's egress proxy."""
        if self.registry_only:
            return BLACK_HOLE
        egress = self.sidecar.egress_proxy if self.sidecar is not None else None
        if egress is None or self.sidecar is None:
            return PASSTHROUGH
        host = resolve_host(egress.host, self.sidecar.metadata.namespace, self.mesh.domain_suffix)
        return outbound_cluster(egress.port, host, egress.subset)


def read_proxy(node: Node, mesh: Mesh, log_dir: str, sidecar: Sidecar | None = None, peers: PeerModes = PERMISSIVE) -> Proxy:
    """Draw a Proxy from a Node, the mesh's settings and what is the machine's own; `log_dir` is where the default access log stands."""
    domain = f"{node.namespace}.svc.{mesh.domain_suffix}"
    return Proxy(node, mesh, node.ipv4, node.ipv6, domain, access_logs(mesh, log_dir), sidecar, peers)


def access_logs(mesh: Mesh, log_dir: str) -> tuple[AccessLog, ...]:
    """Give the access log that the mesh's settings ask for: on by default, off with an empty path."""
    path = f"{log_dir.rstrip('/')}/access.log" if mesh.access_log_file is None else mesh.access_log_file
    if not path:
        return ()
    if mesh.access_log_encoding == "JSON":
        return (AccessLog(path, json=True, json_format=_json_format(mesh.access_log_format)),)
    return (AccessLog(path, mesh.access_log_format),)


def _json_format(text: str) -> str:
    """Give `accessLogFormat` of a JSON log; what is no object counts as absent (its reader reports it)."""
    try:
        fields = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return ""
    return json.dumps(fields) if isinstance(fields, dict) and fields else ""
