"""`kind: Mesh`: the fields of Istio's MeshConfig that concern the whole mesh, under `spec`."""

import json
from collections.abc import Iterable
from typing import Literal, TypeVar, cast

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.checks import export_to, host_name, label_name, label_value, one_line
from meshd.model.load_balancer_reading import read_locality
from meshd.model.metadata import Metadata
from meshd.model.proxy_config import read_dns_capture
from meshd.model.reading import Fields
from meshd.model.traffic_policy import Keepalive, LocalityLb, TrafficPolicy
from meshd.model.traffic_policy_reading import read_keepalive, read_traffic_policy
from meshd.model.virtual_service import HttpRetry

OutboundPolicy = Literal["ALLOW_ANY", "REGISTRY_ONLY", "ALLOW_ANY_DYNAMIC_DNS"]
Normalization = Literal["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]
Encoding = Literal["TEXT", "JSON"]
IngressMode = Literal["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"]
Mode = TypeVar("Mode", bound=str)

INGRESS_GATEWAY = "ingressgateway"
"""Value of the label `istio` of the edge proxies that serve Ingresses, unless something else is said."""

_OUTBOUND: tuple[OutboundPolicy, ...] = ("ALLOW_ANY", "REGISTRY_ONLY", "ALLOW_ANY_DYNAMIC_DNS")
_NORMALIZATIONS = ("DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES")
_INGRESS_MODES: tuple[IngressMode, ...] = ("UNSPECIFIED", "OFF", "DEFAULT", "STRICT")
_ENCODINGS: tuple[Encoding, ...] = ("TEXT", "JSON")
_ELSEWHERE = frozenset(
    (
        *("configSources", "certificates", "ca", "enablePrometheusMerge", "discoverySelectors", "serviceSettings", "serviceScopeConfigs"),
        *("thriftConfig", "disableEnvoyListenerLog"),
    )
)
"""MeshConfig fields (istio.io/api mesh/v1alpha1) that concern Kubernetes clusters or Istio's own control plane."""
_NOT_SERVED = (
    *("proxyListenPort", "proxyInboundListenPort", "proxyHttpPort", "enableTracing", "enableEnvoyAccessLogService"),
    *("enableAutoMtls", "trustDomainAliases", "caCertificates"),
    *("h2UpgradePolicy", "inboundClusterStatName", "outboundClusterStatName", "verifyCertificateAtClient", "extensionProviders", "defaultProviders"),
    *("meshMTLS", "tlsDefaults"),
)
"""MeshConfig fields that meshd does not serve yet."""


@attrs.frozen
class Mesh:
    """
    MeshConfig; a field that is absent has Istio's default, but for the access log, which is on.

    Attributes:
        metadata: Identity.
        outbound_traffic_policy: What happens to unknown destinations.
        inbound_to_localhost: `inboundTrafficPolicy: LOCALHOST`: inbound clusters are 127.0.0.1 instead of the original destination.
        access_log_file: Path; empty switches the log off; None: `access.log` in the log directory.
        access_log_format: Envoy format string, empty for the default; with JSON, a JSON object.
        access_log_encoding: `TEXT` or `JSON`.
        protocol_detection_timeout: Seconds; 0 waits for ever.
        connect_timeout: Seconds.
        path_normalization: Of requests.
        trust_domain: SPIFFE trust domain.
        domain_suffix: DNS suffix of services.
        root_namespace: Where mesh-wide resources live.
        default_service_export_to / default_virtual_service_export_to / default_destination_rule_export_to: Visibility of those that say nothing.
        locality_lb: Which localities are preferred; None: not said.
        default_http_retry_policy: Retries of routes that say nothing; None: Istio's default.
        dns_refresh_rate: Seconds between lookups of names whose answers say nothing of that.
        concurrency: Workers; 0: one a core; None: not said.
        ingress_class / ingress_mode: Which Ingresses are served: those of a class that have it as their annotation, or of an IngressClass of Istio's;
            `DEFAULT`: those without any, too; `OFF`: none.
        ingress_gateway: Value of the label `istio` of the edge proxies that serve them.
        default_inbound_retry_policy: Retries of requests to own ports; None: Istio's default.
        default_traffic_policy: What holds for services where their DestinationRules say nothing; None: Istio's defaults.
        tcp_keepalive: How upstream connections are probed; None: they are not, unless a DestinationRule says so.
        dns_capture: Names are answered by the mesh (`defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE`), so ServiceEntries without addresses
            are given some.
    """

    metadata: Metadata
    outbound_traffic_policy: OutboundPolicy = "ALLOW_ANY"
    inbound_to_localhost: bool = False
    access_log_file: str | None = None
    access_log_format: str = ""
    access_log_encoding: Encoding = "TEXT"
    protocol_detection_timeout: float = 0.0
    connect_timeout: float = 10.0
    path_normalization: Normalization = "BASE"
    trust_domain: str = "cluster.local"
    domain_suffix: str = "cluster.local"
    root_namespace: str = "istio-system"
    default_service_export_to: tuple[str, ...] = ("*",)
    default_virtual_service_export_to: tuple[str, ...] = ("*",)
    default_destination_rule_export_to: tuple[str, ...] = ("*",)
    locality_lb: LocalityLb | None = None
    default_http_retry_policy: HttpRetry | None = None
    dns_refresh_rate: float = 60.0
    concurrency: int | None = None
    dns_capture: bool = False
    ingress_class: str = "istio"
    ingress_mode: IngressMode = "STRICT"
    ingress_gateway: str = INGRESS_GATEWAY
    tcp_keepalive: Keepalive | None = None
    default_inbound_retry_policy: HttpRetry | None = None
    default_traffic_policy: TrafficPolicy | None = None


DEFAULT_MESH = Mesh(Metadata("default", Origin("defaults")))


def read_mesh(fields: Fields, metadata: Metadata) -> tuple[Mesh, ...]:
    """Read a Mesh; MeshConfig's enums are upper-case words and its durations texts, as in Istio's own YAML."""
    spec = fields.mapping("spec")
    encoding = spec.choice("accessLogEncoding", _ENCODINGS, "TEXT")
    concurrency, captures = _read_defaults(spec.mapping("defaultConfig"))
    mesh = Mesh(
        metadata,
        outbound_traffic_policy=_read_mode(spec, "outboundTrafficPolicy", _OUTBOUND),
        inbound_to_localhost=_read_mode(spec, "inboundTrafficPolicy", ("PASSTHROUGH", "LOCALHOST")) == "LOCALHOST",
        access_log_file=_read_log_file(spec),
        access_log_format=_read_format(spec, encoding),
        access_log_encoding=encoding,
        protocol_detection_timeout=spec.duration("protocolDetectionTimeout", 0.0, low=0.001, zero=True),
        connect_timeout=spec.duration("connectTimeout", 10.0, low=0.001),
        path_normalization=_read_normalization(spec),
        trust_domain=spec.text("trustDomain", "cluster.local", check=host_name),
        domain_suffix=spec.text("domainSuffix", "cluster.local", check=host_name),
        root_namespace=spec.text("rootNamespace", "istio-system", check=label_name),
        default_service_export_to=spec.texts("defaultServiceExportTo", check=export_to) or ("*",),
        default_virtual_service_export_to=spec.texts("defaultVirtualServiceExportTo", check=export_to) or ("*",),
        default_destination_rule_export_to=spec.texts("defaultDestinationRuleExportTo", check=export_to) or ("*",),
        locality_lb=spec.optional("localityLbSetting", read_locality),
        default_http_retry_policy=_read_retries(spec, "defaultHttpRetryPolicy"),
        dns_refresh_rate=spec.duration("dnsRefreshRate", 60.0, low=0.001),
        concurrency=concurrency,
        dns_capture=captures,
        ingress_class=spec.text("ingressClass", "istio", check=one_line),
        ingress_mode=spec.choice("ingressControllerMode", _INGRESS_MODES, "STRICT"),
        ingress_gateway=_read_ingress_gateway(spec),
        tcp_keepalive=spec.optional("tcpKeepalive", read_keepalive),
        default_inbound_retry_policy=_read_retries(spec, "defaultInboundHttpRetryPolicy"),
        default_traffic_policy=spec.optional("defaultTrafficPolicy", _read_traffic_policy),
    )
    for name in _NOT_SERVED:
        spec.not_served(name, severity="info")
    spec.finish(_ELSEWHERE)
    return (mesh,)


def _read_ingress_gateway(spec: Fields) -> str:
    """
    Read which edge proxies serve Ingresses.

    Source:
        Istio pilot/pkg/config/kube/ingress/conversion.go, getIngressGatewaySelector.
    """
    selector, service = spec.text("ingressSelector", check=label_value), spec.text("ingressService", check=label_value)
    return selector or ("" if service == f"istio-{INGRESS_GATEWAY}" else service) or INGRESS_GATEWAY


def surplus_meshes(meshes: Iterable[Mesh]) -> list[Problem]:
    """Warn of every Mesh but the first, which is the one that counts."""
    ordered = sorted(meshes, key=lambda mesh: mesh.metadata.age_key)
    return [
        Problem(
            mesh.metadata.origin,
            f"expected one Mesh, got {ordered[0].metadata.name} in {ordered[0].metadata.origin.place} too, which is used",
            hint="remove one of them",
            severity="warning",
        )
        for mesh in ordered[1:]
    ]


def _read_mode(spec: Fields, name: str, modes: tuple[Mode, ...]) -> Mode:
    policy = spec.mapping(name)
    mode = policy.choice("mode", modes, modes[0])
    if mode == "ALLOW_ANY_DYNAMIC_DNS":
        policy.not_served("mode", f"mode {mode}", "looks no name up: requests to unknown hosts go where the client meant to go")
    policy.finish()
    return mode


def _read_defaults(config: Fields) -> tuple[int | None, bool]:
    """Read what is served of the settings of Istio's proxies: how many workers there are, and whether names are answered by the mesh."""
    captures = read_dns_capture(config.text_map("proxyMetadata"))
    concurrency = config.maybe_number("concurrency", low=0, high=2**31 - 1)
    for name in sorted(map(str, config.values)):
        if name not in ("concurrency", "proxyMetadata"):
            config.not_served(name, severity="info")
    config.finish()
    return concurrency, bool(captures)


def _read_traffic_policy(fields: Fields) -> TrafficPolicy:
    policy = read_traffic_policy(fields)
    if policy.ports:
        fields.wrong("portLevelSettings", "expected no settings of ports, which differ from service to service, got some", severity="warning")
    return policy


def _read_retries(spec: Fields, name: str) -> HttpRetry | None:
    if name not in spec:
        return None
    policy = spec.mapping(name)
    settings = HttpRetry(
        # reason: absent is 0 in protobuf, and Istio takes 0 as "no retries" (route/retry ConvertPolicy)
        attempts=policy.number("attempts", 0, low=0, high=2**31 - 1),
        per_try_timeout=policy.duration("perTryTimeout", 0.0, low=0.001, zero=True),
        retry_on=policy.text("retryOn", check=one_line),
        remote_localities=policy.flag("retryRemoteLocalities"),
        ignore_previous_hosts=policy.maybe_flag("retryIgnorePreviousHosts"),
        backoff=policy.duration("backoff", 0.0, low=0.001),
    )
    policy.finish()
    return settings


def _read_normalization(spec: Fields) -> Normalization:
    policy = spec.mapping("pathNormalization")
    found = policy.choice("normalization", _NORMALIZATIONS, "DEFAULT")
    policy.finish()
    return "BASE" if found == "DEFAULT" else cast(Normalization, found)


def _read_log_file(spec: Fields) -> str | None:
    if spec.raw("accessLogFile") == "":
        return ""
    return spec.text("accessLogFile", check=lambda text: one_line(text) or ("" if text.startswith("/") else "an absolute path")) or None


def _read_format(spec: Fields, encoding: str) -> str:
    text = spec.text("accessLogFormat")
    if not text or encoding != "JSON":
        return text
    try:
        good = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        good = False
    if not good:
        spec.wrong("accessLogFormat", "expected a JSON object, since accessLogEncoding is JSON, got other text")
    return text
