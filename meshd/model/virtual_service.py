"""Istio's VirtualService: how requests and connections for a set of hosts are routed. Values only; `virtual_service_reading` reads them."""

from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.model.metadata import Metadata
from meshd.model.string_match import StringMatch

MESH_GATEWAY = "mesh"
"""The gateway that stands for all sidecars (Istio's reserved word)."""

DerivePort = Literal["", "FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"]
Semantics = Literal["", "gateway", "ingress"]
Preflights = Literal["FORWARD", "IGNORE"]


@attrs.frozen
class Destination:
    """
    Where traffic goes.

    Attributes:
        host: As written; short names are of the resource's namespace.
        subset: Of the host's DestinationRule; empty for all endpoints.
        port: Number; 0 where not given.
    """

    host: str
    subset: str = ""
    port: int = 0


@attrs.frozen
class HeaderOperations:
    """What is changed in headers: set first, then add, then remove; names as written."""

    set: Mapping[str, str] = attrs.field(factory=dict)
    add: Mapping[str, str] = attrs.field(factory=dict)
    remove: tuple[str, ...] = ()


NO_OPERATIONS = HeaderOperations()


@attrs.frozen
class Headers:
    """Header changes of a route or destination."""

    request: HeaderOperations = NO_OPERATIONS
    response: HeaderOperations = NO_OPERATIONS


NO_HEADERS = Headers()


@attrs.frozen
class WeightedDestination:
    """One destination of a route and its share; with a single destination the share does not matter."""

    destination: Destination
    weight: int = 0
    headers: Headers = NO_HEADERS


@attrs.frozen
class HttpMatch:
    """
    Conditions on a request that must all hold.

    Attributes:
        name: Joined to the route's for the access log.
        uri / scheme / method / authority: None for any.
        ignore_uri_case: For exact and prefix matches of the URI.
        headers: By lower-case name; `@request.auth.claims.NAME` asks for a claim of a JWT.
        without_headers: Conditions that must not hold.
        query_parameters: By name.
        port: Of the listener; 0 for any.
        source_labels / source_namespace: Of the workload that sends; held against the machine itself when compiling.
        gateways: In the place of the VirtualService's; empty: its.
    """

    name: str = ""
    uri: StringMatch | None = None
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    ignore_uri_case: bool = False
    headers: Mapping[str, StringMatch] = attrs.field(factory=dict)
    without_headers: Mapping[str, StringMatch] = attrs.field(factory=dict)
    query_parameters: Mapping[str, StringMatch] = attrs.field(factory=dict)
    port: int = 0
    source_labels: Mapping[str, str] = attrs.field(factory=dict)
    source_namespace: str = ""
    gateways: tuple[str, ...] = ()


@attrs.frozen
class HttpRedirect:
    """
    Answer with another place; empty fields keep what the request has.

    Attributes:
        uri: Whole path.
        prefix_rewrite: Takes the place of the match's prefix; None: `uri` or the path as it is.
        authority: Host, with or without port.
        port: Number; 0: as `derive_port` says.
        scheme: `http` or `https`.
        code: 301, 302, 303, 307 or 308.
    """

    uri: str = ""
    prefix_rewrite: str | None = None
    authority: str = ""
    port: int = 0
    derive_port: DerivePort = ""
    scheme: str = ""
    code: int = 301


@attrs.frozen
class HttpDirectResponse:
    """Answer without an upstream."""

    status: int
    body: bytes = b""


@attrs.frozen
class Delegate:
    """Another VirtualService, without hosts, whose routes take this one's place; an empty namespace is the root's."""

    name: str
    namespace: str = ""


@attrs.frozen
class HttpRewrite:
    """What is changed of a request before it is forwarded; the expression is RE2, its substitution quotes groups by backslash and number."""

    uri: str = ""
    authority: str = ""
    regex_match: str = ""
    regex_rewrite: str = ""


@attrs.frozen
class HttpRetry:
    """
    When a request is tried again.

    Attributes:
        attempts: Retries; 0 switches them off.
        per_try_timeout: Seconds; 0: none of its own.
        retry_on: Comma separated conditions and statuses; empty: Istio's default.
        remote_localities: Prefer other localities.
        ignore_previous_hosts: Whether an endpoint that failed is avoided; None: Istio's default, which is to avoid it.
        backoff: Base interval, seconds; 0: Envoy's 25 ms.
    """

    attempts: int
    per_try_timeout: float = 0.0
    retry_on: str = ""
    remote_localities: bool = False
    ignore_previous_hosts: bool | None = None
    backoff: float = 0.0


@attrs.frozen
class HttpFault:
    """
    Faults put in on purpose; percentages are of requests, 0 to 100.

    Attributes:
        delay: Seconds; 0: no delay.
        delay_percentage: Of requests.
        abort_status: HTTP status; 0: none.
        abort_grpc: Status by its number; -1: none.
        abort_percentage: Of requests.
    """

    delay: float = 0.0
    delay_percentage: float = 0.0
    abort_status: int = 0
    abort_grpc: int = -1
    abort_percentage: float = 0.0


@attrs.frozen
class HttpMirror:
    """A destination that gets a copy of some requests; its answers are dropped. `alone` tells that it was written as `mirror`, not in `mirrors`."""

    destination: Destination
    percentage: float = 100.0
    alone: bool = attrs.field(default=False, eq=False)


@attrs.frozen
class CorsPolicy:
    """
    What browsers may do across origins.

    Attributes:
        allow_origins: Matches of `origin`.
        max_age: Seconds; None: not said.
        allow_credentials: None: not said.
        unmatched_preflights: Whether a preflight of another origin is forwarded or answered.
    """

    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: float | None = None
    allow_credentials: bool | None = None
    unmatched_preflights: Preflights = "FORWARD"


@attrs.frozen
class HttpRoute:
    """
    One rule for requests: any of `matches` (all requests where there is none), and what is done.

    Attributes:
        name: For the access log.
        matches: In order, each a route of its own.
        destinations: Where to forward; otherwise exactly one of `redirect`, `direct_response` and `delegate` is there.
        timeout: Seconds; None: not said.
        retries: None: not said.
        origin: The VirtualService, with the rule's own line.
    """

    name: str = ""
    matches: tuple[HttpMatch, ...] = ()
    destinations: tuple[WeightedDestination, ...] = ()
    redirect: HttpRedirect | None = None
    direct_response: HttpDirectResponse | None = None
    delegate: Delegate | None = None
    rewrite: HttpRewrite | None = None
    timeout: float | None = None
    retries: HttpRetry | None = None
    fault: HttpFault | None = None
    mirrors: tuple[HttpMirror, ...] = ()
    cors: CorsPolicy | None = None
    headers: Headers = NO_HEADERS
    origin: Origin = attrs.field(kw_only=True)


@attrs.frozen
class ConnectionMatch:
    """
    Conditions on a connection that must all hold.

    Attributes:
        sni_hosts: Of a ClientHello, wildcards allowed; empty in TCP rules.
        destination_subnets: CIDRs of the original destination.
        port: Of the listener; 0 for any.
        source_labels / source_namespace: As HttpMatch's.
        gateways: As HttpMatch's.
    """

    sni_hosts: tuple[str, ...] = ()
    destination_subnets: tuple[str, ...] = ()
    port: int = 0
    source_labels: Mapping[str, str] = attrs.field(factory=dict)
    source_namespace: str = ""
    gateways: tuple[str, ...] = ()


@attrs.frozen
class ConnectionRoute:
    """One rule for TCP or opaque TLS connections."""

    matches: tuple[ConnectionMatch, ...]
    destinations: tuple[WeightedDestination, ...]
    origin: Origin


@attrs.frozen
class VirtualService:
    """
    Istio's VirtualService (networking.istio.io/v1).

    Attributes:
        metadata: Identity.
        hosts: As written; empty for one that others delegate to.
        gateways: `mesh`, `name` or `namespace/name`; never empty but in a delegate.
        http / tls / tcp: Rules in order.
        export_to: Namespaces that see it; empty: the mesh's default.
        semantics: What it was translated from, or is to be read like (by Istio's annotation): routes of the Kubernetes Gateway API, or Ingresses,
            whose prefixes of paths are whole segments and whose names are full; empty: it is Istio's own.
    """

    metadata: Metadata
    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = (MESH_GATEWAY,)
    http: tuple[HttpRoute, ...] = ()
    tls: tuple[ConnectionRoute, ...] = ()
    tcp: tuple[ConnectionRoute, ...] = ()
    export_to: tuple[str, ...] = ()
    semantics: Semantics = ""

    @property
    def gateway_api(self) -> bool:
        """Tell whether it is read like routes of the Gateway API: a backend that is not there is answered 500."""
        return self.semantics == "gateway"

    @property
    def is_delegate(self) -> bool:
        """Tell whether other VirtualServices have to delegate to it."""
        return not self.hosts
