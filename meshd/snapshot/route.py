"""Route configurations: virtual hosts, routes, and what a route does."""

from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.header_changes import NO_CHANGES, HeaderChange, HeaderChanges
from meshd.snapshot.http_filter import RouteFilterConfig
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.passed_over import PassedOver

PathMatchKind = Literal["prefix", "exact", "path_separated_prefix", "regex"]
RequireTls = Literal["NONE", "EXTERNAL_ONLY", "ALL"]


@attrs.frozen
class RouteMatch:
    """
    Which requests a route takes.

    Attributes:
        kind: How `path` is held against the request's path, the query left out (as Envoy does).
        path: Prefix, whole path, or RE2 expression.
        ignore_case: For all kinds but `regex`.
        headers: All must hold.
        query_parameters: All must hold.
    """

    kind: PathMatchKind = "prefix"
    path: str = "/"
    ignore_case: bool = False
    headers: tuple[HeaderMatch, ...] = ()
    query_parameters: tuple[QueryMatch, ...] = ()


@attrs.frozen
class WeightedCluster:
    """
    One of several clusters.

    Attributes:
        name: The cluster.
        weight: Its share; the shares need not add up to 100.
        request_headers / response_headers: What is changed in headers that go to it and come from it.
        host_rewrite: Authority that it sees; empty: what the route says.
    """

    name: str
    weight: int
    request_headers: HeaderChanges = NO_CHANGES
    response_headers: HeaderChanges = NO_CHANGES
    host_rewrite: str = ""


@attrs.frozen
class RetryPolicy:
    """
    When and how often a request is tried again.

    Attributes:
        retry_on: Envoy's conditions, without blanks.
        attempts: Retries after the first try.
        per_try_timeout: Seconds for each try; 0 means none of its own.
        retriable_status_codes: For the condition `retriable-status-codes`.
        previous_hosts: Prefer an endpoint that has not been tried.
        host_selection_attempts: How often an endpoint is picked anew for that.
        base_interval: Back-off, seconds: before retry n it is random in 0 to base * (2**n - 1), at most `max_interval`.
        max_interval: Seconds.
        per_try_idle_timeout: Seconds without progress in a try; 0 means none of its own.
        leaves_priorities: After so many tries, and each so many more, the priorities of endpoints that were tried are left out; 0: never.
        retriable_headers: For the condition `retriable-headers`: a response that meets one of these.
        retriable_request_headers: Only requests that meet one of these are tried again; empty for all.
    """

    retry_on: tuple[str, ...] = ()
    attempts: int = 1
    per_try_timeout: float = 0.0
    retriable_status_codes: tuple[int, ...] = ()
    previous_hosts: bool = False
    host_selection_attempts: int = 1
    base_interval: float = 0.025  # Envoy's default
    max_interval: float = 0.25  # Envoy's default: ten times the base
    per_try_idle_timeout: float = 0.0
    retriable_headers: tuple[HeaderMatch, ...] = ()
    retriable_request_headers: tuple[HeaderMatch, ...] = ()
    leaves_priorities: int = 0


@attrs.frozen
class RegexRewrite:
    """Replace every match of an RE2 pattern; `substitution` may quote groups by a backslash and their number."""

    pattern: str
    substitution: str


@attrs.frozen
class HashPolicy:
    """
    What clusters that hash pick an endpoint by; of several policies of a route all that find something count.

    Attributes:
        kind: Where the text is found; `source_ip` needs no name.
        name: Of the header, cookie or query parameter.
        terminal: When this one finds something, later ones do not count.
        cookie_ttl: Seconds that a cookie lives which is made where there is none; 0: for the session; None: none is made.
        cookie_path: Its path.
    """

    kind: Literal["header", "cookie", "source_ip", "query_parameter"]
    name: str = ""
    terminal: bool = False
    cookie_ttl: float | None = None
    cookie_path: str = ""


@attrs.frozen
class Mirror:
    """
    A cluster that gets a copy of some requests; its answers are dropped.

    Attributes:
        percent: Of requests, 0 to 100.
        shadow_suffix: Its requests say `HOST-shadow`, as Envoy has it and Istio switches it off.
    """

    cluster: str
    percent: float = 100.0
    shadow_suffix: bool = True


@attrs.frozen
class RouteAction:
    """
    Forward to a cluster.

    Attributes:
        cluster: Empty when `weighted_clusters` is given.
        weighted_clusters: Chosen by weight once a request.
        timeout: Seconds from the end of the request to the end of the response; 0 means none.
        retry_policy: None for no retries.
        max_stream_duration: Seconds; 0 stands for "set to no limit", which also switches `timeout` off; None: not set.
        max_grpc_timeout: Cap of `grpc-timeout`, seconds; 0 means no cap; None: the header is not read.
        idle_timeout: Seconds without progress in a stream, in the place of the connection manager's; 0 means never; None: not set.
        host_rewrite: Authority that the upstream sees; empty: as it came.
        auto_host_rewrite: It is the endpoint's host name.
        append_forwarded_host: Tell the upstream of the authority before that in `x-forwarded-host`.
        prefix_rewrite: Takes the place of what the match held against the path: its prefix, or the whole; None: as it came.
        regex_rewrite: Done to the path without its query; None: as it came.
        hash_policies: In order.
        mirrors: Copies of the request.
        not_found_status: What is answered where there is no such cluster: 503, 404 or 500.
    """

    cluster: str = ""
    weighted_clusters: tuple[WeightedCluster, ...] = ()
    timeout: float = 0.0
    retry_policy: RetryPolicy | None = None
    max_stream_duration: float | None = None
    max_grpc_timeout: float | None = None
    idle_timeout: float | None = None
    host_rewrite: str = ""
    auto_host_rewrite: bool = False
    append_forwarded_host: bool = False
    prefix_rewrite: str | None = None
    regex_rewrite: RegexRewrite | None = None
    hash_policies: tuple[HashPolicy, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    not_found_status: int = 503


@attrs.frozen
class DirectResponse:
    """Answer without an upstream; bytes of the body that are no UTF-8 stand in it as `surrogateescape` has them."""

    status: int
    body: str = ""


@attrs.frozen
class Redirect:
    """
    Answer with another place; empty fields (and port 0) keep what the request has.

    Attributes:
        status: 301, 302, 303, 307 or 308.
        scheme: `https`, or another one.
        host: Authority without port.
        port: Its port.
        path: Whole path; a query in it takes the place of the request's.
        prefix_rewrite: Takes the place of the match's prefix; None: the path is kept, or `path` is given.
        regex_rewrite: Done to the path; None: it is kept.
        strip_query: Leave the query out.
    """

    status: int = 301
    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = ""
    prefix_rewrite: str | None = None
    regex_rewrite: RegexRewrite | None = None
    strip_query: bool = False


@attrs.frozen
class Route:
    """
    One rule of a virtual host; the first that matches decides.

    Attributes:
        name: As the access log's ROUTE_NAME; may be empty.
        match: Which requests.
        action: What is done.
        decorator: Name of the operation in traces, `host:port/*`.
        request_headers: What is changed in requests.
        response_headers: What is changed in responses.
        filters: Settings of HTTP filters for its requests, one of a kind.
        origins: The resources it was compiled from.
        passed_over: Rules before it that are not for this machine.
    """

    name: str
    match: RouteMatch
    action: RouteAction | DirectResponse | Redirect
    decorator: str = ""
    origins: tuple[Origin, ...] = ()
    request_headers: HeaderChanges = NO_CHANGES
    response_headers: HeaderChanges = NO_CHANGES
    filters: tuple[RouteFilterConfig, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


@attrs.frozen
class VirtualHost:
    """
    The routes of a set of names.

    Attributes:
        name: `reviews.default.svc.cluster.local:80`, `allow_any`.
        domains: Lower case, exact, `*.suffix`, `prefix.*` or `*`; unique within a route configuration.
        routes: In order.
        include_request_attempt_count: Send `x-envoy-attempt-count` upstream.
        attempt_count_in_response: Send it to the client, too.
        require_tls: Requests that came without TLS (all, or those of external clients) are redirected to https.
        request_headers: What is changed in requests, after the route's own.
        response_headers: What is changed in responses, after the route's own.
        filters: Settings of HTTP filters, one of a kind, for routes that have none of that kind.
        origins: The resources it was compiled from.
    """

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    include_request_attempt_count: bool = False
    origins: tuple[Origin, ...] = ()
    attempt_count_in_response: bool = False
    require_tls: RequireTls = "NONE"
    request_headers: HeaderChanges = NO_CHANGES
    response_headers: HeaderChanges = NO_CHANGES
    filters: tuple[RouteFilterConfig, ...] = ()


@attrs.frozen
class RouteConfiguration:
    """
    A table of virtual hosts.

    Attributes:
        name: `80`, `reviews.default.svc.cluster.local:80`, `inbound|80||`.
        virtual_hosts: Sought by exact name, longest suffix wildcard, longest prefix wildcard, `*`.
        ignore_port_in_host_matching: The authority's port does not count.
        request_headers: What is changed in requests, after the virtual host's.
        response_headers: What is changed in responses, after the virtual host's.
        most_specific_header_changes_win: Changes are made in the other order: the configuration's first, the route's last.
        origins: The resources it was compiled from.
    """

    name: str
    virtual_hosts: tuple[VirtualHost, ...] = ()
    ignore_port_in_host_matching: bool = True
    origins: tuple[Origin, ...] = ()
    request_headers: HeaderChanges = NO_CHANGES
    response_headers: HeaderChanges = NO_CHANGES
    most_specific_header_changes_win: bool = False


__all__ = [
    "DirectResponse", "HashPolicy", "HeaderChange", "HeaderChanges", "HeaderMatch", "Mirror", "QueryMatch", "Redirect", "RegexRewrite", "RetryPolicy",
    "Route", "RouteAction", "RouteConfiguration", "RouteMatch", "StringMatch", "VirtualHost", "WeightedCluster",
]
