"""The annotations of pods that an injector knows, what each must look like, and what it does."""

import attrs

from meshd.inject.checks import MAX_CONCURRENCY, address_range, boolean, count, image, interface_name, listing, port, quantity
from meshd.model.reading import Check

PREFIXES = ("sidecar.istio.io/", "traffic.sidecar.istio.io/", "readiness.status.sidecar.istio.io/", "status.sidecar.istio.io/")
"""Of annotations that are for injectors alone, so that an unknown one is a mistake."""
MAX_SECONDS = 86_400  # of probes; a day

SIDECAR_PREFIX = "sidecar.istio.io/"
TRAFFIC_PREFIX = "traffic.sidecar.istio.io/"
READINESS_PREFIX = "readiness.status.sidecar.istio.io/"
STATUS_PORT = "status.sidecar.istio.io/port"
PROXY_CONFIG = "proxy.istio.io/config"
TEMPLATES = "inject.istio.io/templates"


@attrs.frozen
class Annotation:
    """
    How one annotation is taken.

    Attributes:
        effect: What it does, for people; empty: it is told that it has no effect.
        check: What its text must look like; None: anything, or what is checked where it is read.
    """

    effect: str = ""
    check: Check | None = None


def one_of(*words: str) -> Check:
    """Give the check of a word."""
    return lambda text: "" if text in words else " or ".join(words)


def _of(prefix: str, rows: dict[str, Annotation]) -> dict[str, Annotation]:
    return {prefix + name: row for name, row in rows.items()}


ANNOTATIONS: dict[str, Annotation] = {
    **_of(SIDECAR_PREFIX, {
        "inject": Annotation("`false`: no sidecar. `true` chooses only as a label, which wins over the annotation"),
        "status": Annotation("written by the injector; a pod that has it is left as it is"),
        "proxyImage": Annotation("image of the sidecar and of the init step", image),
        "proxyCPU": Annotation("processor that the sidecar requests", quantity),
        "proxyCPULimit": Annotation("its limit, and rounded up the number of workers", quantity),
        "proxyMemory": Annotation("memory that the sidecar requests", quantity),
        "proxyMemoryLimit": Annotation("its limit", quantity),
        "nativeSidecar": Annotation(
            "`true`: an init container that stays (Kubernetes 1.29), as pods that end, such as Jobs', have it anyway; `false`: a container", boolean,
        ),
        "interceptionMode": Annotation("`NONE`: nothing is captured; `TPROXY` is taken for `REDIRECT`", one_of("REDIRECT", "TPROXY", "NONE")),
        "userVolume": Annotation("further volumes of the pod: JSON, name to volume source"),
        "userVolumeMount": Annotation("further mounts of the sidecar: JSON, name to mount"),
        "rewriteAppHTTPProbers": Annotation(check=boolean),
        **{name: Annotation() for name in (
            "agentLogLevel", "bootstrapOverride", "componentLogLevel", "controlPlaneAuthPolicy", "discoveryAddress", "enableCoreDump",
            "extraStatTags", "logLevel", "proxyImageType", "statsCompression", "statsHistogramBuckets", "statsInclusionPrefixes",
            "statsInclusionRegexps", "statsInclusionSuffixes",
        )},
    }),
    **_of(TRAFFIC_PREFIX, {
        "includeInboundPorts": Annotation("ports that are captured inbound; `*`: all; empty: none", listing(port, star=True)),
        "excludeInboundPorts": Annotation("ports that are not", listing(port)),
        "includeOutboundIPRanges": Annotation("ranges that are captured outbound; `*`: all; empty: none", listing(address_range, star=True)),
        "excludeOutboundIPRanges": Annotation("ranges that are not", listing(address_range)),
        "includeOutboundPorts": Annotation("ports that are captured outbound, whatever the ranges say", listing(port)),
        "excludeOutboundPorts": Annotation("ports that are not", listing(port)),
        "excludeInterfaces": Annotation("interfaces that are left alone", listing(interface_name)),
        "kubevirtInterfaces": Annotation(check=listing(interface_name)),
    }),
    "istio.io/reroute-virtual-interfaces": Annotation(check=listing(interface_name)),
    STATUS_PORT: Annotation("a port that is not captured inbound; `0`: the sidecar has no probes", count(0, 65535)),
    **_of(READINESS_PREFIX, {
        "initialDelaySeconds": Annotation("of the sidecar's readiness probe", count(0, MAX_SECONDS)),
        "periodSeconds": Annotation("of the sidecar's readiness probe", count(1, MAX_SECONDS)),
        "failureThreshold": Annotation("of the sidecar's readiness probe", count(1, MAX_SECONDS)),
        "applicationPorts": Annotation(check=listing(port)),
    }),
    PROXY_CONFIG: Annotation(
        f"YAML; of it `holdApplicationUntilProxyStarts`, `concurrency` (0 to {MAX_CONCURRENCY} workers), `terminationDrainDuration` and"
        " `proxyMetadata.ISTIO_META_DNS_CAPTURE`"),
    TEMPLATES: Annotation("`gateway`: an edge proxy, which captures nothing, in a container called `istio-proxy`", one_of("sidecar", "gateway")),
    "prometheus.istio.io/merge-metrics": Annotation(),
    "proxy.istio.io/overrides": Annotation(),
}
"""
Every annotation of pods that belongs to injection.

Source:
    Istio pkg/kube/inject, AnnotationValidation, and istio.io/docs/reference/config/annotations.
"""
