"""Istio's annotations on Kubernetes' resources: misspelt, misplaced, or out of date."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import ALPHA_ANNOTATION, DEPRECATED_ANNOTATION, MISPLACED_ANNOTATION, UNKNOWN_ANNOTATION, Finding, finding, quoted
from meshd.model.namespace import Namespace
from meshd.model.pod import Pod
from meshd.model.raw import items_at
from meshd.model.reading import did_you_mean
from meshd.model.service import Service

ANYWHERE = "Any"

_KNOWN = {
    ANYWHERE: (
        "galley.istio.io/analyze-suppress", "install.operator.istio.io/chart-owner", "install.operator.istio.io/owner-generation",
        "install.operator.istio.io/version", "istio.io/rev", "ambient.istio.io/redirection",
    ),
    "AuthorizationPolicy": ("istio.io/dry-run",),
    "Gateway": ("gateway.istio.io/controller-version",),
    "Ingress": ("kubernetes.io/ingress.class",),
    "Namespace": ("topology.istio.io/controlPlaneClusters",),
    "Service": ("alpha.istio.io/canonical-serviceaccounts", "alpha.istio.io/kubernetes-serviceaccounts", "traffic.istio.io/nodeSelector"),
    "Service, ServiceEntry": ("networking.istio.io/exportTo", "networking.istio.io/traffic-distribution"),
    "WorkloadEntry": (
        "istio.io/autoRegistrationGroup", "istio.io/connectedAt", "istio.io/disconnectedAt", "istio.io/workloadController",
    ),
    "Pod": (
        "alpha.istio.io/identity", "ambient.istio.io/bypass-inbound-capture", "inject.istio.io/templates", "istio.io/reroute-virtual-interfaces",
        "prometheus.istio.io/merge-metrics", "proxy.istio.io/config", "proxy.istio.io/overrides", "status.sidecar.istio.io/port",
        *(f"readiness.status.sidecar.istio.io/{name}" for name in (
            "applicationPorts", "failureThreshold", "initialDelaySeconds", "periodSeconds",
        )),
        *(f"sidecar.istio.io/{name}" for name in (
            *("agentLogLevel", "bootstrapOverride", "componentLogLevel", "controlPlaneAuthPolicy", "discoveryAddress", "enableCoreDump"),
            *("extraStatTags", "inject", "interceptionMode", "logLevel", "nativeSidecar", "proxyCPU", "proxyCPULimit", "proxyImage"),
            *("proxyImageType", "proxyMemory", "proxyMemoryLimit", "rewriteAppHTTPProbers", "statsCompression", "statsHistogramBuckets"),
            *("statsInclusionPrefixes", "statsInclusionRegexps", "statsInclusionSuffixes", "status", "userVolume", "userVolumeMount"),
        )),
        *(f"traffic.sidecar.istio.io/{name}" for name in (
            *("excludeInboundPorts", "excludeInterfaces", "excludeOutboundIPRanges", "excludeOutboundPorts", "includeInboundPorts"),
            *("includeOutboundIPRanges", "includeOutboundPorts", "kubevirtInterfaces"),
        )),
    ),
}
KNOWN = {name: kinds for kinds, names in _KNOWN.items() for name in names}
"""
Annotations and the kinds that they belong to.

Source:
    istio.io/docs/reference/config/annotations, and the hidden ones of istio.io/api annotation/annotations.yaml.
"""

DEPRECATED = {
    "alpha.istio.io/canonical-serviceaccounts": "", "alpha.istio.io/identity": "", "alpha.istio.io/kubernetes-serviceaccounts": "",
    "sidecar.istio.io/controlPlaneAuthPolicy": "", "sidecar.istio.io/discoveryAddress": "", "sidecar.istio.io/extraStatTags": "",
    "sidecar.istio.io/inject": ' in favor of the "sidecar.istio.io/inject" label', "sidecar.istio.io/statsInclusionPrefixes": "",
    "sidecar.istio.io/statsInclusionRegexps": "", "sidecar.istio.io/statsInclusionSuffixes": "",
}


NOT_ALPHA = frozenset((
    "kubernetes.io/ingress.class", "sidecar.istio.io/inject", "proxy.istio.io/config", "galley.istio.io/analyze-suppress",
    "ambient.istio.io/redirection", "gateway.istio.io/controller-version", "istio.io/rev", "proxy.istio.io/overrides", "sidecar.istio.io/status",
))
"""Annotations of features that are further on, those for analysis itself, and those that no author writes: Istio sets them."""
SET_BY_ISTIO = frozenset(("sidecar.istio.io/interceptionMode", *(f"traffic.sidecar.istio.io/{name}" for name in (
    "excludeInboundPorts", "excludeOutboundPorts", "excludeInterfaces", "excludeOutboundIPRanges", "includeInboundPorts", "includeOutboundIPRanges",
    "includeOutboundPorts",
))))
VALIDATION = "istio-validation"
"""Annotations that injection writes where a pod has this container: its network is set up by Istio's CNI plugin."""


def find_alpha_annotations(facts: Facts) -> Iterator[Finding]:
    """
    Find annotations of features that Istio calls alpha.

    Source:
        Istio pkg/config/analysis/analyzers/maturity/alpha.go.
    """
    plain = ((one.metadata.origin, one.metadata.annotations) for kind in (Namespace, Service) for one in facts.world.all(kind))
    written = [*facts.raw("", "Pod"), *facts.raw("apps", "Deployment")]
    by_cni = {raw.origin for raw in written if any(one.get("name") == VALIDATION for _path, one in items_at(raw.body, "spec", "initContainers"))}
    for origin, annotations in (*plain, *((raw.origin, raw.texts("metadata", "annotations")) for raw in written)):
        for name in annotations:
            if name in KNOWN and name not in NOT_ALPHA and not (name in SET_BY_ISTIO and origin in by_cni):
                yield finding(origin, ALPHA_ANNOTATION, quoted(name), path=("metadata", "annotations", name))


def find_wrong_annotations(facts: Facts) -> Iterator[Finding]:
    """
    Find Istio's annotations that nobody reads.

    Source:
        Istio pkg/config/analysis/analyzers/annotations/annotations.go.
    """
    resources: list[Namespace | Service | Pod] = [*facts.world.all(Namespace), *facts.world.all(Service), *facts.world.all(Pod)]
    for resource in resources:
        metadata = resource.metadata
        for name in metadata.annotations:
            if not _is_istios(name):
                continue
            path = ("metadata", "annotations", name)
            kinds = KNOWN.get(name)
            if kinds is None:
                yield finding(metadata.origin, UNKNOWN_ANNOTATION, name, path=path, hint=did_you_mean(name, KNOWN))
                continue
            if name in DEPRECATED and name not in metadata.labels:
                yield finding(metadata.origin, DEPRECATED_ANNOTATION, quoted(name), DEPRECATED[name], path=path)
            if kinds != ANYWHERE and type(resource).__name__ not in kinds.split(", "):
                yield finding(metadata.origin, MISPLACED_ANNOTATION, name, kinds, path=path)


def _is_istios(name: str) -> bool:
    return name == "kubernetes.io/ingress.class" or name.partition("/")[0].endswith("istio.io")
