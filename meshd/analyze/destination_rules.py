"""DestinationRules: unknown hosts, subsets that nothing belongs to, servers whose certificates nobody checks."""

from collections.abc import Iterator, Mapping

from meshd.analyze.facts import Facts
from meshd.analyze.messages import (
    EMPTY_SUBSET,
    NO_CHECK_OF_SERVER,
    NO_CHECK_OF_SERVER_AT_PORT,
    UNKNOWN_RULE_HOST,
    Finding,
    finding,
)
from meshd.base.labels import selects
from meshd.compile.services import MeshService
from meshd.model.destination_rule import DestinationRule
from meshd.model.service import Service
from meshd.model.traffic_policy import ClientTls

CHECKING_MODES = ("SIMPLE", "MUTUAL")


def find_rule_hosts(facts: Facts) -> Iterator[Finding]:
    """
    Find rules for hosts that no service has, and subsets without endpoints.

    Source:
        Istio pkg/config/analysis/analyzers/destinationrule/subset.go, which looks at pods; endpoints of ServiceEntries count here as well.
    """
    for rule in facts.destination_rules:
        host = facts.full_host(rule)
        if not facts.covers_service(host):
            yield finding(rule.metadata.origin, UNKNOWN_RULE_HOST, rule.host, path=("spec", "host"))
        elif rule.subsets and not host.startswith("*"):
            services = facts.services_at(host, rule.export_to, rule.metadata.namespace)
            if services and all(service.resolution in ("endpoints", "dns", "dns_round_robin") for service in services):
                for index, subset in enumerate(rule.subsets):
                    if not any(_has_member(facts, service, subset.labels) for service in services):
                        yield finding(rule.metadata.origin, EMPTY_SUBSET, subset.name, path=("spec", "subsets", index))


def _has_member(facts: Facts, service: MeshService, labels: Mapping[str, str]) -> bool:
    resource = service.resource
    if isinstance(resource, Service) and resource.selector:
        wanted = {**labels, **resource.selector}
        if selects(labels, wanted) and facts.workloads.select(wanted, service.namespace):
            return True
    return any(selects(labels, backend.labels) for backend in facts.backends.behind(service))


def find_unchecked_servers(facts: Facts) -> Iterator[Finding]:
    """
    Find TLS without authorities to check the server's certificate by.

    Source:
        Istio pkg/config/analysis/analyzers/destinationrule/ca-certificates.go: a credential counts only beside a workloadSelector, without
        which sidecars do not use it.
    """
    for rule in facts.destination_rules:
        metadata, policy = rule.metadata, rule.policy
        if policy is None:
            continue
        named = (f"{metadata.namespace}/{metadata.name}", metadata.namespace)
        if _unchecked(policy.tls, rule):
            path = ("spec", "trafficPolicy", "tls")
            yield finding(metadata.origin, NO_CHECK_OF_SERVER, *named, policy.tls and policy.tls.mode, rule.host, path=path)
        for index, (number, own) in enumerate(policy.ports.items()):
            if _unchecked(own.tls, rule):
                place = ("spec", "trafficPolicy", "portLevelSettings", index, "tls")
                yield finding(metadata.origin, NO_CHECK_OF_SERVER_AT_PORT, *named, own.tls and own.tls.mode, rule.host, number, path=place)


def _unchecked(tls: ClientTls | None, rule: DestinationRule) -> bool:
    return tls is not None and tls.mode in CHECKING_MODES and not tls.ca_certificates and not (tls.credential_name and rule.selector)
