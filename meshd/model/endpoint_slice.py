"""Kubernetes EndpointSlice, and Endpoints read into the same shape."""

import attrs

from meshd.model.metadata import Metadata


@attrs.frozen
class SlicePort:
    """A port that every endpoint of a slice serves; `name` is the service port's name."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str = ""


@attrs.frozen
class SliceEndpoint:
    """
    One endpoint.

    Attributes:
        addresses: IP addresses (the first counts), or names where the slice's type is FQDN.
        ready: Serves traffic; None counts as ready (Kubernetes).
        serving: Would serve, even when terminating; None counts as ready.
        terminating: Is going away.
        hostname: Its own name within a headless service.
        pod: Name of the pod it is, in the slice's namespace; empty when unknown.
        node_name: Machine it runs on.
        zone: Its zone.
    """

    addresses: tuple[str, ...]
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None
    hostname: str = ""
    pod: str = ""
    node_name: str = ""
    zone: str = ""


@attrs.frozen
class EndpointSlice:
    """
    Some of a service's endpoints.

    Attributes:
        metadata: Identity; for one read from `Endpoints`, the name is the service's.
        service: Name of its service, in the same namespace.
        address_type: `IPv4`, `IPv6` or `FQDN`.
        ports: Served by every endpoint here.
        endpoints: In order.
        from_endpoints: Read from an `Endpoints` object; a service's real slices win over it.
    """

    metadata: Metadata
    service: str
    address_type: str = "IPv4"
    ports: tuple[SlicePort, ...] = ()
    endpoints: tuple[SliceEndpoint, ...] = ()
    from_endpoints: bool = False
