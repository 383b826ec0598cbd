"""RateLimits that limit nothing: for machines, services or routes that are not there."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import REFERENCE_NOT_FOUND, Finding, finding, labels_text, quoted
from meshd.compile.hosts import overlap, resolve_host
from meshd.model.kube_routes import KubeGrpcRoute, KubeHttpRoute
from meshd.model.rate_limit import RateLimit


def find_idle_limits(facts: Facts) -> Iterator[Finding]:
    """
    Find RateLimits whose selector chooses no machine, whose hosts are of the mesh's domain and nobody's, or whose routes no rule is called.

    Other hosts may come as clients write them, to whoever takes every host, so that nothing can be said of them.
    """
    routed = dict.fromkeys(host for rules in facts.virtual_services for host in rules.full.hosts)
    domain, names = f".svc.{facts.mesh.domain_suffix}", _route_names(facts)
    for limit in facts.world.all(RateLimit):
        metadata = limit.metadata
        root = metadata.namespace == facts.mesh.root_namespace
        if limit.selector and not facts.workloads.select(limit.selector, "" if root else metadata.namespace):
            where = "" if root else f" in the namespace {metadata.namespace}"
            hint = f"correct the selector, or add a Node with these labels{where}"
            yield finding(metadata.origin, REFERENCE_NOT_FOUND, "selector", quoted(labels_text(limit.selector)), path=("spec", "selector"), hint=hint)
        for index, host in enumerate(limit.hosts):
            full = resolve_host(host, metadata.namespace, facts.mesh.domain_suffix)
            if full.endswith(domain) and not facts.covers_service(full) and not any(overlap(full, known) for known in routed):
                hint = "correct the name, or add its Service"
                yield finding(metadata.origin, REFERENCE_NOT_FOUND, "host", quoted(host), path=("spec", "hosts", index), hint=hint)
        for index, name in enumerate(limit.routes):
            if name not in names and not any(known.startswith(f"{name}.") for known in names):
                hint = "correct it, or call a rule of a VirtualService so"
                yield finding(metadata.origin, REFERENCE_NOT_FOUND, "route", quoted(name), path=("spec", "routes", index), hint=hint)


def _route_names(facts: Facts) -> set[str]:
    """Give what routes can be called: by rules, their matches, and those that no rule makes."""
    names = {"default", "allow_any", "block_all"}
    rules = [rule for one in facts.virtual_services for rule in one.full.http]
    rules += [rule.route for kind in (KubeHttpRoute, KubeGrpcRoute) for route in facts.world.all(kind) for rule in route.rules]
    for rule in rules:
        names.update((rule.name, *(f"{rule.name}.{match.name}" for match in rule.matches if match.name)))
    return names - {""}
