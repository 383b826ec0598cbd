"""Routes that nothing but a service asks for: to the service, in from the network, and for destinations unknown."""

import attrs

from meshd.base.origins import Origin
from meshd.compile.hash_policies import HashPolicies
from meshd.compile.names import DYNAMIC_DNS, outbound_cluster, service_route
from meshd.compile.node import Proxy
from meshd.compile.protocols import GRPC_FAMILY, Protocol
from meshd.compile.services import MeshPort, MeshService
from meshd.model.virtual_service import HttpRetry
from meshd.snapshot.route import DirectResponse, RetryPolicy, Route, RouteAction, RouteMatch, VirtualHost

ALL = RouteMatch()
RETRY_ON = ("connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes")  # Istio core/route/retry
RETRIES = 2
RETRIABLE_CODES = "retriable-status-codes"
DEFAULT_RETRY = HttpRetry(RETRIES)
HOST_SELECTION_ATTEMPTS = 5
TRIES_OF_PRIORITY = 2  # Istio's update frequency of previous_priorities
RESET = "reset-before-request"
INBOUND_RETRY = RetryPolicy((RESET,), RETRIES)


def service_routes(service: MeshService, port: MeshPort, proxy: Proxy, hashes: HashPolicies) -> tuple[Route, ...]:
    """Give the routes of a service's port for which no rule stands: everything goes to its cluster."""
    name = outbound_cluster(port.number, service.host)
    policies = hashes.find(service.host, port.number)
    retries = retry_policy(proxy.mesh.default_http_retry_policy or DEFAULT_RETRY)
    action = RouteAction(name, retry_policy=retries, max_grpc_timeout=0.0, hash_policies=policies)
    return (Route("default", ALL, action, f"{service_route(service.host, port.number)}/*", (service.origin,)),)


def inbound_route(
    cluster: str, host: str, port: int, protocol: Protocol, origins: tuple[Origin, ...], settings: HttpRetry | None = None,
) -> Route:
    """Give the one route of an inbound port, with the mesh's settings of retries, or Istio's; gRPC is not retried."""
    retry: RetryPolicy | None = INBOUND_RETRY
    if settings is not None:
        retry = retry_policy(attrs.evolve(settings, retry_on=settings.retry_on or RESET), hashed=True)  # there is one endpoint, which is not avoided
    if protocol in GRPC_FAMILY:
        retry = None
    action = RouteAction(cluster, retry_policy=retry, max_stream_duration=0.0, max_grpc_timeout=0.0)
    return Route("default", ALL, action, f"{host}:{port}/*", origins)


def catch_all(proxy: Proxy) -> VirtualHost:
    """Give the virtual host for names that no service has: passed through, or refused with 502."""
    if proxy.registry_only:
        route = Route("block_all", ALL, DirectResponse(502), origins=proxy.origins)
    elif proxy.dynamic_dns:
        route = Route("allow_any_dynamic_dns", ALL, RouteAction(DYNAMIC_DNS, max_grpc_timeout=0.0), origins=proxy.origins)
    else:
        route = Route("allow_any", ALL, RouteAction(proxy.unknown_cluster, max_grpc_timeout=0.0), origins=proxy.origins)
    return VirtualHost(route.name, ("*",), (route,), include_request_attempt_count=True, origins=proxy.origins)


def retry_policy(settings: HttpRetry, *, hashed: bool = False) -> RetryPolicy | None:
    """
    Translate retry settings; None where they switch retries off.

    Source:
        Istio pilot/pkg/networking/core/route/retry: an endpoint that has failed is avoided, but where endpoints are picked by a hash.
    """
    if settings.attempts <= 0:
        return None
    words = [word.strip() for word in settings.retry_on.split(",") if word.strip()]
    codes = tuple(int(word) for word in words if word.isdigit())
    conditions = tuple(word for word in words if not word.isdigit())
    if codes and RETRIABLE_CODES not in conditions:
        conditions += (RETRIABLE_CODES,)
    avoided = not hashed if settings.ignore_previous_hosts is None else settings.ignore_previous_hosts
    policy = RetryPolicy(
        conditions or RETRY_ON, settings.attempts, settings.per_try_timeout, codes, previous_hosts=avoided,
        host_selection_attempts=HOST_SELECTION_ATTEMPTS, leaves_priorities=TRIES_OF_PRIORITY if settings.remote_localities else 0,
    )
    if settings.backoff:
        policy = attrs.evolve(policy, base_interval=settings.backoff, max_interval=settings.backoff * 10)
    return policy
