"""HTTP filters that a connection manager can hold; each later one is a class here and a builder in `tables/http_filters/`."""

import attrs

from meshd.snapshot.match import HeaderMatch, StringMatch


@attrs.frozen
class GrpcStats:
    """Count gRPC messages by service and method; nothing to set, and nothing is counted yet. Istio has it on every connection manager."""


@attrs.frozen
class Fault:
    """
    Delay or abort requests on purpose; a filter's own settings, or those of a route (VirtualService `fault`) in their place.

    Attributes:
        delay: Seconds that a request is held; 0 for none.
        delay_percent: Share of requests that are, 0 to 100.
        abort_status: HTTP status that a request is answered with; 0 for none.
        abort_grpc_status: gRPC status that it is answered with instead.
        abort_percent: Share of requests that are, 0 to 100, those that were delayed among them.
        headers: Only requests that meet all of these.
    """

    delay: float = 0.0
    delay_percent: float = 0.0
    abort_status: int = 0
    abort_grpc_status: int | None = None
    abort_percent: float = 0.0
    headers: tuple[HeaderMatch, ...] = ()


@attrs.frozen
class CorsPolicy:
    """
    Which origins may read responses (VirtualService `corsPolicy`); what is empty or None is said by the virtual host, or nowhere.

    Attributes:
        allow_origins: One must hold for the `origin` of a request.
        allow_methods: As `access-control-allow-methods` says it.
        allow_headers: As `access-control-allow-headers` says it.
        expose_headers: As `access-control-expose-headers` says it.
        max_age: Seconds, as `access-control-max-age` says it.
        allow_credentials: Say `access-control-allow-credentials: true`.
        forward_not_matching_preflights: Let the upstream answer preflight requests of other origins; the default.
        enabled_percent: Share of requests that this holds for.
    """

    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: str = ""
    allow_headers: str = ""
    expose_headers: str = ""
    max_age: str = ""
    allow_credentials: bool | None = None
    forward_not_matching_preflights: bool | None = None
    enabled_percent: float = 100.0


@attrs.frozen
class Cors:
    """Answer preflight requests and mark responses; empty, since each route says its own policy."""


RouteFilterConfig = Fault | CorsPolicy
"""What routes and virtual hosts may say of filters, for their requests."""


@attrs.frozen
class Router:
    """
    Forward the request to the cluster its route names; always the last filter.

    Attributes:
        suppress_envoy_headers: Send no `x-envoy-*` headers, neither up nor down.
    """

    suppress_envoy_headers: bool = False


HttpFilterConfig = GrpcStats | Fault | Cors | Router
