"""Reading GRPCRoutes of the Kubernetes Gateway API: services and methods are paths (`/service/method`)."""

from meshd.model.checks import subdomain_name
from meshd.model.header_reading import header_name
from meshd.model.kube_filter_reading import GRPC_FILTERS, read_filters
from meshd.model.kube_http_route import (
    LONGEST_PATH,
    MOST_ALL_MATCHES,
    MOST_MATCHES,
    MOST_RULES,
    check_names,
    read_conditions,
    read_http_backends,
    rule_origin,
)
from meshd.model.kube_references import at_most, read_hostnames, read_parents
from meshd.model.kube_routes import KubeGrpcRoute, KubeRule
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields
from meshd.model.string_match import StringMatch, regex
from meshd.model.virtual_service import HttpMatch, HttpRoute


def read_grpc_route(fields: Fields, metadata: Metadata) -> tuple[KubeGrpcRoute, ...]:
    """Read a GRPCRoute."""
    spec = fields.mapping("spec")
    rules = [_read_rule(item) for item in at_most(spec, "rules", MOST_RULES)]
    check_names(spec, [rule.route.name for rule in rules])
    total = sum(len(rule.route.matches) for rule in rules)
    if total > MOST_ALL_MATCHES:
        spec.wrong("rules", f"expected at most {MOST_ALL_MATCHES} matches in all rules, got {total}")
    route = KubeGrpcRoute(metadata, read_parents(spec), read_hostnames(spec), tuple(rules))
    spec.wrong("", "gRPC is HTTP/2, which meshd does not serve yet; this route matches by paths until then", severity="info")
    spec.finish(("useDefaultGateways",))
    return (route,)


def _read_rule(rule: Fields) -> KubeRule:
    filters = read_filters(rule, GRPC_FILTERS)
    route = HttpRoute(
        name=rule.text("name", check=subdomain_name), matches=tuple(_read_match(item) for item in at_most(rule, "matches", MOST_MATCHES)),
        headers=filters.headers, origin=rule_origin(rule),
    )
    backends = read_http_backends(rule, GRPC_FILTERS)
    rule.not_served("sessionPersistence")
    rule.finish()
    return KubeRule(route, backends, filters.mirrors)


def _read_match(item: Fields) -> HttpMatch:
    match = HttpMatch(uri=item.optional("method", _read_method), headers=read_conditions(item, "headers", header_name))
    item.finish()
    return match


def _read_method(fields: Fields) -> StringMatch | None:
    """
    Read a method as a path.

    Source:
        Istio pilot/pkg/config/kube/gateway/conversion.go, createGRPCURIMatch.
    """
    exact = fields.choice("type", ("Exact", "RegularExpression"), "Exact") == "Exact"
    service = fields.text("service", check=_service if exact else _expression)
    method = fields.text("method", check=_method if exact else _expression)
    fields.finish()
    if not service and not method:
        if not any(fields.values.get(name) for name in ("service", "method")):
            fields.wrong("", "expected service or method, got neither")
        return None
    if exact and service:
        return StringMatch("exact", f"/{service}/{method}") if method else StringMatch("prefix", f"/{service}/")
    return StringMatch("regex", f"/{service or '[^/]+'}/{method or '.+'}")


def _expression(text: str) -> str:
    return regex(text) if len(text) <= LONGEST_PATH else f"at most {LONGEST_PATH} characters"


def _service(text: str) -> str:
    return _method(text.replace(".", "a") if not text.startswith(".") and not text.endswith(".") else "") and "a service such as foo.v1.Greeter"


def _method(text: str) -> str:
    good = text.isascii() and text.replace("_", "a").isalnum() and not text[0].isdigit() and len(text) <= LONGEST_PATH
    return "" if good else "a method such as SayHello"
