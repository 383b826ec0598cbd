"""Reading TLSRoutes and TCPRoutes of the Kubernetes Gateway API."""

from meshd.model.checks import subdomain_name
from meshd.model.kube_http_route import MOST_RULES, check_names, rule_origin
from meshd.model.kube_references import at_most, read_backends, read_hostnames, read_parents
from meshd.model.kube_routes import ConnectionRule, KubeTcpRoute, KubeTlsRoute
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields


def read_tcp_route(fields: Fields, metadata: Metadata) -> tuple[KubeTcpRoute, ...]:
    """Read a TCPRoute."""
    spec = fields.mapping("spec")
    route = KubeTcpRoute(metadata, read_parents(spec), _read_rules(spec))
    spec.finish(("useDefaultGateways",))
    return (route,)


def read_tls_route(fields: Fields, metadata: Metadata) -> tuple[KubeTlsRoute, ...]:
    """Read a TLSRoute."""
    spec = fields.mapping("spec")
    route = KubeTlsRoute(metadata, read_parents(spec), read_hostnames(spec), _read_rules(spec))
    spec.finish(("useDefaultGateways",))
    return (route,)


def _read_rules(spec: Fields) -> tuple[ConnectionRule, ...]:
    rules, names = [], []
    for item in at_most(spec, "rules", MOST_RULES, least=1):
        names.append(item.text("name", check=subdomain_name))
        if item.is_empty("backendRefs"):
            item.wrong("backendRefs", "expected at least one backend, got none")
        rules.append(ConnectionRule(read_backends(item), rule_origin(item)))
        item.finish()
    check_names(spec, names)
    return tuple(rules)
