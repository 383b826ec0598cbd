"""A static bootstrap with which a real Envoy serves what a snapshot says, without a control plane."""

import attrs

from meshd.base.addresses import SocketAddress
from meshd.base.places import CONFIG_DIR, CREDENTIALS
from meshd.snapshot.cluster import NAMED, Cluster
from meshd.snapshot.cluster_json import write_cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.filter_chain import FilterChain, needs_identity
from meshd.snapshot.json_fields import Json
from meshd.snapshot.listener import Listener
from meshd.snapshot.listener_json import ADDRESS, write_listener
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.snapshot import Snapshot
from meshd.snapshot.tls_json import with_files

REFUSES = "BlackHoleCluster"  # Istio's, which every snapshot has; it has no endpoints, so that connections are closed
ADMIN = SocketAddress("127.0.0.1", 15000)

RUNTIME: Json = {
    "layers": [
        {
            "name": "global",
            "staticLayer": {  # as in Istio's bootstrap: larger expressions; a fragment is cut off, its request not refused
                "re2.max_program_size.error_level": "32768",
                "envoy.reloadable_features.http_reject_path_with_fragment": False,
            },
        },
        {"name": "admin", "adminLayer": {}},
    ],
}


@attrs.frozen
class CertificateFiles:
    """
    Where certificates lie.

    Attributes:
        credentials: Directory of what is called by `credentialName`.
        system_roots: File of the roots that the operating system trusts.
    """

    credentials: str = f"{CONFIG_DIR}/{CREDENTIALS}"
    system_roots: str = "/etc/ssl/certs/ca-certificates.crt"  # Debian's

    def of(self, message: Json) -> Json:
        """Give a cluster or a filter chain with files in the place of named secrets."""
        socket = message.get("transportSocket")
        return message if socket is None else {**message, "transportSocket": with_files(socket, self.credentials, self.system_roots)}

    def of_listener(self, message: Json) -> Json:
        """Give a listener whose chains have them."""
        chains = message.get("filterChains")
        return message if chains is None else {**message, "filterChains": [self.of(chain) for chain in chains]}


def bootstrap(snapshot: Snapshot, admin: SocketAddress | None = ADMIN, files: CertificateFiles = CertificateFiles()) -> Json:
    """
    Give a complete bootstrap.

    Routes and endpoints, which Istio's proxies ask a control plane for, stand within listeners and clusters, and files in the place of secrets.
    Chains for mutual TLS within the mesh have no certificate: those beside which plain text is taken are left out, others close connections.

    Args:
        snapshot: What is served.
        admin: Where Envoy's admin pages are bound; None: it has none.
        files: Where certificates lie.
    """
    node = snapshot.node
    name = f"{node.name}.{node.namespace}"
    return {
        "node": {"id": f"sidecar~{node.addresses[0] if node.addresses else ''}~{name}", "cluster": name},
        **({"admin": {"address": ADDRESS.write(admin)}} if admin else {}),
        "layeredRuntime": RUNTIME,
        "staticResources": {
            "listeners": [files.of_listener(write_listener(_self_contained(listener, snapshot))) for listener in snapshot.listeners.values()],
            "clusters": [files.of(_write_cluster(cluster, snapshot)) for cluster in snapshot.clusters.values()],
        },
    }


def _self_contained(listener: Listener, snapshot: Snapshot) -> Listener:
    """Put the routes that a listener asks for by name into it, and leave out what asks for certificates."""
    default = listener.default_filter_chain
    return attrs.evolve(
        listener, filter_chains=tuple(_inline(chain, snapshot) for chain in listener.filter_chains), mutual_tls_chains=(),
        default_filter_chain=None if default is None else _inline(default, snapshot),
    )


def _inline(chain: FilterChain, snapshot: Snapshot) -> FilterChain:
    if needs_identity(chain):
        return attrs.evolve(chain, filter=TcpProxy(REFUSES, REFUSES), tls=None)
    manager = chain.filter
    if not isinstance(manager, HttpConnectionManager) or manager.route_config is not None:
        return chain
    return attrs.evolve(chain, filter=attrs.evolve(manager, route_config_name="", route_config=snapshot.routes[manager.route_config_name]))


def _write_cluster(cluster: Cluster, snapshot: Snapshot) -> Json:
    """Give a cluster with its endpoints inline; what discovery would bring is static here."""
    if cluster.type == "EDS":
        found = snapshot.endpoints.get(cluster.service_name, ClusterLoadAssignment(cluster.name))
        return write_cluster(attrs.evolve(cluster, type="STATIC", service_name=""), attrs.evolve(found, cluster_name=cluster.name))
    return write_cluster(cluster, snapshot.endpoints.get(cluster.name) if cluster.type in ("STATIC", *NAMED) else None)
