"""Endpoints: the addresses behind a cluster; they travel alone, so that scaling a service rebuilds nothing else."""

from typing import Literal

import attrs

from meshd.base.locality import Locality
from meshd.base.origins import Origin

NOWHERE = Locality()
Health = Literal["HEALTHY", "UNHEALTHY", "DRAINING", "UNKNOWN"]


@attrs.frozen
class Endpoint:
    """
    One upstream address.

    Attributes:
        address: IP address without brackets, or a UNIX socket: its path, or `@name`.
        port: Its port; 0 with a UNIX socket.
        weight: Share among its locality's endpoints.
        health: What discovery says of it.
        workload: Istio's `name;namespace;canonical name;canonical revision;cluster`, for telemetry.
        metadata: Labels that Envoy's metadata carries, such as `tlsMode`.
        hostname: What routes with `auto_host_rewrite` make a request's authority; may be empty.
    """

    address: str
    port: int
    weight: int = 1
    health: Health = "HEALTHY"
    workload: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    hostname: str = ""


@attrs.frozen
class LocalityEndpoints:
    """Endpoints of one place; priority 0 is used first; `weight` is the place's share among those of its priority."""

    locality: Locality = NOWHERE
    endpoints: tuple[Endpoint, ...] = ()
    priority: int = 0
    weight: int = 0


@attrs.frozen
class ClusterLoadAssignment:
    """
    All endpoints of one cluster.

    Attributes:
        cluster_name: `Cluster.service_name` of an EDS cluster, or the name of a STATIC one.
        localities: By locality.
        origins: The resources it was compiled from.
    """

    cluster_name: str
    localities: tuple[LocalityEndpoints, ...] = ()
    origins: tuple[Origin, ...] = ()
