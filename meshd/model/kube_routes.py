"""Routes of the Kubernetes Gateway API. Values only; `kube_http_route`, `kube_grpc_route` and `kube_connection_routes` read them."""

import attrs

from meshd.base.origins import Origin
from meshd.model.kube_references import BackendRef, ParentRef
from meshd.model.metadata import Metadata
from meshd.model.virtual_service import HttpRoute


@attrs.frozen
class MirrorRef:
    """A backend that gets a copy of some requests, of which the percentage is told."""

    backend: BackendRef
    percentage: float = 100.0


@attrs.frozen
class KubeRule:
    """
    One rule for requests.

    Attributes:
        route: What it says, in VirtualService's words, but for where it leads.
        backends: Where it leads; with none, and no redirect, requests are answered 500.
        mirrors: Where copies go.
    """

    route: HttpRoute
    backends: tuple[BackendRef, ...] = ()
    mirrors: tuple[MirrorRef, ...] = ()


@attrs.frozen
class KubeHttpRoute:
    """
    HTTPRoute (gateway.networking.k8s.io/v1).

    Attributes:
        metadata: Identity.
        parents: What it is attached to.
        hostnames: Of requests that come through gateways; empty for all. Those of the mesh come by their service's.
        rules: In order, before Gateway API's precedence.
    """

    metadata: Metadata
    parents: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[KubeRule, ...] = ()


@attrs.frozen
class KubeGrpcRoute(KubeHttpRoute):
    """GRPCRoute (gateway.networking.k8s.io/v1): its methods are paths."""


@attrs.frozen
class ConnectionRule:
    """One rule for connections."""

    backends: tuple[BackendRef, ...]
    origin: Origin


@attrs.frozen
class KubeTcpRoute:
    """TCPRoute (gateway.networking.k8s.io/v1alpha2)."""

    metadata: Metadata
    parents: tuple[ParentRef, ...] = ()
    rules: tuple[ConnectionRule, ...] = ()


@attrs.frozen
class KubeTlsRoute:
    """TLSRoute (gateway.networking.k8s.io/v1): opaque TLS, by the server name of its ClientHello."""

    metadata: Metadata
    parents: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[ConnectionRule, ...] = ()
