"""Secrets of Kubernetes that Gateways name, where there are any among the documents; certificates in files are looked at by validation."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.gateways import DEFAULT_SELECTOR
from meshd.analyze.messages import REFERENCE_NOT_FOUND, Finding, finding, labels_text, quoted
from meshd.model.gateway import Gateway


def find_missing_secrets(facts: Facts) -> Iterator[Finding]:
    """
    Find credentials that are no secret of a namespace whose workloads serve the Gateway.

    Source:
        Istio pkg/config/analysis/analyzers/gateway/secret.go.
    """
    secrets = {(raw.origin.namespace, raw.origin.name) for raw in facts.raw("", "Secret")}
    for gateway in facts.gateways.values() if secrets else ():
        yield from _check(gateway, facts, secrets)


def _check(gateway: Gateway, facts: Facts, secrets: set[tuple[str, str]]) -> Iterator[Finding]:
    origin = gateway.metadata.origin
    named = [(index, server.tls.credential_names) for index, server in enumerate(gateway.servers) if server.tls and server.tls.credential_names]
    if not named:
        return
    namespaces = {workload.namespace for workload in facts.workloads.select(gateway.selector)}
    if gateway.selector == DEFAULT_SELECTOR:
        namespaces.add(facts.mesh.root_namespace)
    if not namespaces:
        hint = "correct the selector, or add workloads with these labels"
        yield finding(origin, REFERENCE_NOT_FOUND, "selector", quoted(labels_text(gateway.selector)), path=("spec", "selector"), hint=hint)
        return
    for index, names in named:
        for name in names:
            if not any((namespace, name) in secrets for namespace in namespaces):
                path, hint = ("spec", "servers", index, "tls"), f"add the Secret in {' or '.join(sorted(namespaces))}"
                yield finding(origin, REFERENCE_NOT_FOUND, "credentialName", quoted(name), path=path, hint=hint)
