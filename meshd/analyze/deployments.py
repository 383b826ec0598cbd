"""Deployments and pods of Kubernetes: what keeps their connections from being captured."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import APPLICATION_AS_PROXY, Finding, finding
from meshd.model.paths import Path
from meshd.model.raw import items_at, value_at

PROXY_ID = 1337
PROXY_CONTAINERS = ("istio-proxy", "operator", "meshd", "meshd-init")
"""Containers that may run as the proxy: they are it."""


def find_applications_as_proxy(facts: Facts) -> Iterator[Finding]:
    """
    Find applications that run as the user whose connections nobody captures.

    Source:
        Istio pkg/config/analysis/analyzers/deployment/applicationUID.go: a container's own user goes before its pod's.
    """
    templates: tuple[tuple[str, str, Path], ...] = (("", "Pod", ("spec",)), ("apps", "Deployment", ("spec", "template", "spec")))
    for group, kind, place in templates:
        for raw in facts.raw(group, kind):
            spec = raw.at(*map(str, place))
            usual = value_at(spec, "securityContext", "runAsUser")
            for path, container in items_at(spec, "containers"):
                own = value_at(container, "securityContext", "runAsUser")
                if container.get("name") not in PROXY_CONTAINERS and (own if own is not None else usual) == PROXY_ID:
                    yield finding(raw.origin, APPLICATION_AS_PROXY, path=(*place, *path))
                    break
