"""HTTP filters that a connection manager can hold; each later one is a class here and a builder in `tables/http_filters/`."""

from typing import Final

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.header_changes import HeaderChange
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


LOCAL_RATE_LIMIT: Final = "envoy.filters.http.local_ratelimit"


@attrs.frozen
class LocalRateLimit:
    """
    Answer requests beyond a rate with 429; a filter's own settings, or those of a route or virtual host in their place.

    A bucket holds tokens, of which each request takes one. It begins full, and fills steadily.

    Attributes:
        name: Of the filter: a connection manager may have several, and routes say by it which one they mean.
        stat_prefix: Name in statistics.
        max_tokens: How many requests may come at once; 0: there is no bucket, and no request is limited.
        tokens_per_fill: How many tokens come in each interval.
        fill_interval: Seconds.
        enabled_percent: Share of requests that take a token.
        enforced_percent: Share of requests that are answered when there was none.
        status: What they are answered with.
        resource_exhausted: gRPC clients are told RESOURCE_EXHAUSTED (8) instead of UNAVAILABLE (14).
        response_headers: What is changed in the headers of that answer.
        request_headers: What is changed in requests that are forwarded though there was no token.
        tells_rate: Every response tells limit, rest and time in `x-ratelimit-*` headers.
        origins: The RateLimit that it was compiled from.
    """

    name: str = LOCAL_RATE_LIMIT
    stat_prefix: str = "local_rate_limit"
    max_tokens: int = 0
    tokens_per_fill: int = 1
    fill_interval: float = 0.0
    enabled_percent: float = 0.0  # Envoy's default, as is the next
    enforced_percent: float = 0.0
    status: int = 429
    resource_exhausted: bool = False
    response_headers: tuple[HeaderChange, ...] = ()
    request_headers: tuple[HeaderChange, ...] = ()
    tells_rate: bool = False
    origins: tuple[Origin, ...] = ()


RouteFilterConfig = Fault | CorsPolicy | LocalRateLimit
"""What routes and virtual hosts may say of filters, for their requests."""


@attrs.frozen
class Router:
    """
    Forward the request to the cluster its route names; always the last filter.

    Attributes:
        suppress_envoy_headers: Send no `x-envoy-*` headers, neither up nor down.
    """

    suppress_envoy_headers: bool = False


HttpFilterConfig = GrpcStats | Fault | Cors | LocalRateLimit | Router
