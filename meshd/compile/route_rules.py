"""Routes that nothing but a service asks for: to the service, in from the network, and for destinations unknown."""

from meshd.base.origins import Origin
from meshd.compile.names import BLACK_HOLE, PASSTHROUGH, outbound_cluster, service_route
from meshd.compile.node import Proxy
from meshd.compile.protocols import GRPC_FAMILY, Protocol
from meshd.compile.services import MeshPort, MeshService
from meshd.model.mesh import Mesh, RetrySettings
from meshd.snapshot.route import DirectResponse, RetryPolicy, Route, RouteAction, RouteMatch, VirtualHost

ALL = RouteMatch()
RETRY_ON = ("connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes")  # Istio core/route/retry
RETRIES = 2
HOST_SELECTION_ATTEMPTS = 5
INBOUND_RETRY = RetryPolicy(("reset-before-request",), RETRIES)


def service_routes(service: MeshService, port: MeshPort, proxy: Proxy) -> tuple[Route, ...]:
    """Give the routes of a service's port for which no rule stands: everything goes to its cluster."""
    action = RouteAction(outbound_cluster(port.number, service.host), retry_policy=outbound_retries(proxy.mesh), max_grpc_timeout=0.0)
    return (Route("default", ALL, action, f"{service_route(service.host, port.number)}/*", (service.origin,)),)


def inbound_route(cluster: str, host: str, port: int, protocol: Protocol, origins: tuple[Origin, ...]) -> Route:
    """Give the one route of an inbound port; gRPC is not retried."""
    retry = None if protocol in GRPC_FAMILY else INBOUND_RETRY
    action = RouteAction(cluster, retry_policy=retry, max_stream_duration=0.0, max_grpc_timeout=0.0)
    return Route("default", ALL, action, f"{host}:{port}/*", origins)


def catch_all(proxy: Proxy) -> VirtualHost:
    """Give the virtual host for names that no service has: passed through, or refused with 502."""
    if proxy.registry_only:
        route = Route("block_all", ALL, DirectResponse(502), origins=proxy.origins)
    else:
        route = Route("allow_any", ALL, RouteAction(PASSTHROUGH, max_grpc_timeout=0.0), origins=proxy.origins)
    return VirtualHost(route.name, ("*",), (route,), include_request_attempt_count=True, origins=proxy.origins)


def catch_all_cluster(proxy: Proxy) -> str:
    """Name the cluster of connections that no service claims."""
    return BLACK_HOLE if proxy.registry_only else PASSTHROUGH


def outbound_retries(mesh: Mesh) -> RetryPolicy | None:
    """Give the retry policy of routes that name none: the mesh's, else Istio's default."""
    return retry_policy(mesh.default_http_retry_policy or RetrySettings())


def retry_policy(settings: RetrySettings) -> RetryPolicy | None:
    """Translate retry settings; None where they switch retries off."""
    if settings.attempts <= 0:
        return None
    words = [word.strip() for word in settings.retry_on.split(",") if word.strip()]
    codes = tuple(int(word) for word in words if word.isdigit())
    conditions = tuple(word for word in words if not word.isdigit()) + (("retriable-status-codes",) if codes else ())
    return RetryPolicy(
        conditions or RETRY_ON, settings.attempts, settings.per_try_timeout, codes, previous_hosts=True,
        host_selection_attempts=HOST_SELECTION_ATTEMPTS,
    )
