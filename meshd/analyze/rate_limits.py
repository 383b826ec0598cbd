"""RateLimits that limit nothing: for machines, or services, that are not there."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import REFERENCE_NOT_FOUND, Finding, finding, labels_text, quoted
from meshd.compile.hosts import overlap, resolve_host
from meshd.model.rate_limit import RateLimit


def find_idle_limits(facts: Facts) -> Iterator[Finding]:
    """
    Find RateLimits whose selector chooses no machine, or whose hosts are of the mesh's domain and nobody's.

    Other hosts may come as clients write them, to whoever takes every host, so that nothing can be said of them.
    """
    routed = dict.fromkeys(host for rules in facts.virtual_services for host in rules.full.hosts)
    domain = f".svc.{facts.mesh.domain_suffix}"
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
