"""HTTP filters that a connection manager can hold; each later one is a class here and a builder in `tables/http_filters/`."""

import attrs


@attrs.frozen
class GrpcStats:
    """Count gRPC messages by service and method; nothing to set, and nothing is counted yet. Istio has it on every connection manager."""


@attrs.frozen
class Fault:
    """Delay or abort requests on purpose; empty here, since each route will say its own delay and abort (VirtualService `fault`)."""


@attrs.frozen
class Cors:
    """Answer preflight requests and mark responses; empty here, since each route will say its own policy (VirtualService `corsPolicy`)."""


@attrs.frozen
class Router:
    """
    Forward the request to the cluster its route names; always the last filter.

    Attributes:
        suppress_envoy_headers: Send no `x-envoy-*` headers, neither up nor down.
    """

    suppress_envoy_headers: bool = False


HttpFilterConfig = GrpcStats | Fault | Cors | Router
