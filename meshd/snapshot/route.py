"""Route configurations: virtual hosts, routes, and what a route does."""

from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch

PathMatchKind = Literal["prefix", "exact", "path_separated_prefix", "regex"]


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
    """One of several clusters and its share; shares need not add up to 100."""

    name: str
    weight: int


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
    """

    retry_on: tuple[str, ...] = ()
    attempts: int = 1
    per_try_timeout: float = 0.0
    retriable_status_codes: tuple[int, ...] = ()
    previous_hosts: bool = False
    host_selection_attempts: int = 1
    base_interval: float = 0.025  # Envoy's default
    max_interval: float = 0.25  # Envoy's default: ten times the base


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
    """

    cluster: str = ""
    weighted_clusters: tuple[WeightedCluster, ...] = ()
    timeout: float = 0.0
    retry_policy: RetryPolicy | None = None
    max_stream_duration: float | None = None
    max_grpc_timeout: float | None = None


@attrs.frozen
class DirectResponse:
    """Answer without an upstream."""

    status: int
    body: str = ""


@attrs.frozen
class Route:
    """
    One rule of a virtual host; the first that matches decides.

    Attributes:
        name: As the access log's ROUTE_NAME; may be empty.
        match: Which requests.
        action: What is done.
        decorator: Name of the operation in traces, `host:port/*`.
        origins: The resources it was compiled from.
    """

    name: str
    match: RouteMatch
    action: RouteAction | DirectResponse
    decorator: str = ""
    origins: tuple[Origin, ...] = ()


@attrs.frozen
class VirtualHost:
    """
    The routes of a set of names.

    Attributes:
        name: `reviews.default.svc.cluster.local:80`, `allow_any`.
        domains: Lower case, exact, `*.suffix`, `prefix.*` or `*`; unique within a route configuration.
        routes: In order.
        include_request_attempt_count: Send `x-envoy-attempt-count` upstream.
        origins: The resources it was compiled from.
    """

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    include_request_attempt_count: bool = False
    origins: tuple[Origin, ...] = ()


@attrs.frozen
class RouteConfiguration:
    """
    A table of virtual hosts.

    Attributes:
        name: `80`, `reviews.default.svc.cluster.local:80`, `inbound|80||`.
        virtual_hosts: Sought by exact name, longest suffix wildcard, longest prefix wildcard, `*`.
        ignore_port_in_host_matching: The authority's port does not count.
        origins: The resources it was compiled from.
    """

    name: str
    virtual_hosts: tuple[VirtualHost, ...] = ()
    ignore_port_in_host_matching: bool = True
    origins: tuple[Origin, ...] = ()


__all__ = [
    "DirectResponse", "HeaderMatch", "QueryMatch", "RetryPolicy", "Route", "RouteAction", "RouteConfiguration", "RouteMatch", "StringMatch",
    "VirtualHost", "WeightedCluster",
]
