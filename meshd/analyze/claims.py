"""VirtualServices that route by the claims of a JWT that nobody checks."""

from collections.abc import Iterator, Mapping

from meshd.analyze.facts import Facts
from meshd.analyze.messages import UNCHECKED_CLAIMS, Finding, finding, labels_text
from meshd.base.labels import selects
from meshd.model.raw import Raw, items_at, mapping_of

CLAIMS = "@request.auth.claims"


def find_unchecked_claims(facts: Facts) -> Iterator[Finding]:
    """
    Find matches by claims at gateways for which there is no RequestAuthentication; only there does Istio route by them.

    Source:
        Istio pkg/config/analysis/analyzers/virtualservice/jwtclaimroute.go.
    """
    checks = facts.raw("security.istio.io", "RequestAuthentication")
    for raw in facts.raw("networking.istio.io", "VirtualService"):
        key = _claim_of(raw)
        if key:
            rules = next((one for one in facts.virtual_services if one.full.metadata.origin == raw.origin), None)
            for name in rules.full.gateways if rules is not None else ():
                namespace, _, short = name.partition("/")
                gateway = facts.gateways.get((namespace, short))
                if gateway is not None and not any(_covers(one, gateway.selector, namespace, facts.mesh.root_namespace) for one in checks):
                    yield finding(raw.origin, UNCHECKED_CLAIMS, key, name, labels_text(gateway.selector))
                    break


def _claim_of(raw: Raw) -> str:
    """Give the first condition on a claim; empty without one."""
    for _path, rule in items_at(raw.body, "spec", "http"):
        for _inner, match in items_at(rule, "match"):
            for field in ("headers", "withoutHeaders"):
                for name in mapping_of(match.get(field)):
                    if name.lower().startswith(CLAIMS):
                        return name
    return ""


def _covers(check: Raw, labels: Mapping[str, str], namespace: str, root: str) -> bool:
    """Tell whether a RequestAuthentication is for machines with labels, in a namespace or, from the root namespace, anywhere."""
    return check.origin.namespace in (namespace, root) and selects(check.texts("spec", "selector", "matchLabels"), labels)
