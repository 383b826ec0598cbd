"""Istio's annotations on Kubernetes' resources: misspelt, misplaced, or out of date."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import DEPRECATED_ANNOTATION, MISPLACED_ANNOTATION, UNKNOWN_ANNOTATION, Finding, finding, quoted
from meshd.model.namespace import Namespace
from meshd.model.pod import Pod
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
