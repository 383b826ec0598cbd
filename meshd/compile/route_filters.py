"""What VirtualServices say of HTTP filters for a route: faults put in on purpose, and who may read its answers."""

from meshd.compile.http_matches import translate_string
from meshd.model import virtual_service as model
from meshd.snapshot.http_filter import CorsPolicy, Fault, RouteFilterConfig


def route_filters(rule: model.HttpRoute) -> tuple[RouteFilterConfig, ...]:
    """Give the filter settings of a rule; none where it says nothing."""
    found: list[RouteFilterConfig] = []
    if rule.fault is not None:
        found.append(_fault(rule.fault))
    if rule.cors is not None:
        found.append(_cors(rule.cors))
    return tuple(found)


def _fault(fault: model.HttpFault) -> Fault:
    grpc = fault.abort_grpc if fault.abort_grpc >= 0 else None
    return Fault(fault.delay, fault.delay_percentage, fault.abort_status, grpc, fault.abort_percentage)


def _cors(policy: model.CorsPolicy) -> CorsPolicy:
    """
    Translate a CORS policy.

    Source:
        Istio pilot/pkg/networking/core/route/route.go, TranslateCORSPolicy: preflights of other origins are forwarded unless it says otherwise.
    """
    origins = tuple(match for origin in policy.allow_origins if (match := translate_string(origin)) is not None)
    return CorsPolicy(
        origins, ",".join(policy.allow_methods), ",".join(policy.allow_headers), ",".join(policy.expose_headers),
        "" if policy.max_age is None else str(int(policy.max_age)), policy.allow_credentials, policy.unmatched_preflights != "IGNORE",
    )
