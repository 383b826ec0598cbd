"""Gateway and GatewayClass of the Kubernetes Gateway API: which ports an edge proxy opens, and whose routes may be attached to them."""

from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.base.addresses import is_ip_address
from meshd.model.checks import label_key, label_name, label_value, subdomain_name
from meshd.model.kube_references import GATEWAY_GROUP, at_most, read_group_kind, wildcard_hostname
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

MOST_LISTENERS = 64
MOST_ADDRESSES = 16
MOST_KINDS = 8
MOST_CERTIFICATES = 64
ISTIO_CLASS = "istio"
ISTIO_CONTROLLER = "istio.io/gateway-controller"
ROUTES_OF: Mapping[str, tuple[str, ...]] = {
    "HTTP": ("HTTPRoute", "GRPCRoute"), "HTTPS": ("HTTPRoute", "GRPCRoute"), "TLS": ("TLSRoute",), "TCP": ("TCPRoute",),
}
"""Kinds of routes that a listener of a protocol takes; one that ends opaque TLS takes TCPRoutes, too."""

ListenerProtocol = Literal["", "HTTP", "HTTPS", "TLS", "TCP"]
_PROTOCOLS: tuple[ListenerProtocol, ...] = ("HTTP", "HTTPS", "TLS", "TCP")
From = Literal["Same", "All", "Selector", "None"]
_FROM: tuple[From, ...] = ("Same", "All", "Selector", "None")
TerminateMode = Literal["", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL"]
_TERMINATE_MODES: tuple[TerminateMode, ...] = ("", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL")
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
_OPERATORS: tuple[Operator, ...] = ("In", "NotIn", "Exists", "DoesNotExist")


@attrs.frozen
class Requirement:
    """One of a selector's expressions."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        if self.operator in ("Exists", "DoesNotExist"):
            return (self.key in labels) == (self.operator == "Exists")
        return (labels.get(self.key) in self.values) == (self.operator == "In")


@attrs.frozen
class AllowedRoutes:
    """
    Which routes may be attached.

    Attributes:
        namespaces: `Same`, `All`, `Selector` or `None`.
        labels / requirements: What namespaces have, with `Selector`.
        kinds: Of gateway.networking.k8s.io; None for all that the protocol takes.
    """

    namespaces: From = "Same"
    labels: Mapping[str, str] = attrs.field(factory=dict)
    requirements: tuple[Requirement, ...] = ()
    kinds: tuple[str, ...] | None = None


@attrs.frozen
class SecretRef:
    """A secret with a certificate; an empty namespace is the Gateway's own."""

    name: str
    namespace: str = ""


@attrs.frozen
class KubeListener:
    """
    One listener of a Gateway.

    Attributes:
        name: Within the Gateway.
        hostname: Empty for every name.
        port: Number.
        protocol: HTTP, HTTPS, TLS or TCP.
        passthrough: TLS is not ended here.
        certificates: With which it is ended.
        terminate_mode: Of `gateway.istio.io/tls-terminate-mode`; empty: clients show no certificates.
        allowed: Which routes may be attached.
    """

    name: str
    port: int
    protocol: ListenerProtocol
    hostname: str = ""
    passthrough: bool = False
    certificates: tuple[SecretRef, ...] = ()
    terminate_mode: TerminateMode = ""
    allowed: AllowedRoutes = AllowedRoutes()


@attrs.frozen
class KubeGateway:
    """
    Gateway (gateway.networking.k8s.io/v1).

    Attributes:
        metadata: Identity.
        class_name: Of its GatewayClass.
        listeners: In order.
        hostnames / addresses: Where it is, as `spec.addresses` says: names of services, and IP addresses.
    """

    metadata: Metadata
    class_name: str
    listeners: tuple[KubeListener, ...] = ()
    hostnames: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@attrs.frozen
class GatewayClass:
    """GatewayClass (gateway.networking.k8s.io/v1): who serves the Gateways of a class."""

    metadata: Metadata
    controller: str


def read_gateway_class(fields: Fields, metadata: Metadata) -> tuple[GatewayClass, ...]:
    """Read a GatewayClass."""
    spec = fields.mapping("spec")
    found = GatewayClass(metadata, spec.text("controllerName", check=_controller, required=True))
    spec.finish(("parametersRef", "description"))
    return (found,)


def read_kube_gateway(fields: Fields, metadata: Metadata) -> tuple[KubeGateway, ...]:
    """Read a Gateway."""
    spec = fields.mapping("spec")
    listeners: list[KubeListener] = []
    for item in at_most(spec, "listeners", MOST_LISTENERS, least=1):
        listener = _read_listener(item)
        if any(listener.name == other.name for other in listeners):
            item.wrong("name", f"expected each name of a listener once, got {listener.name} twice")
        if any(_place(listener) == _place(other) for other in listeners):
            item.wrong("", f"expected port, protocol and hostname once, got those of {listener.port} {listener.protocol} twice")
        listeners.append(listener)
    hostnames, addresses = _read_addresses(spec)
    gateway = KubeGateway(metadata, spec.text("gatewayClassName", check=subdomain_name, required=True), tuple(listeners), hostnames, addresses)
    for name in ("allowedListeners", "tls", "backendTLS"):
        spec.not_served(name)
    spec.finish(("infrastructure", "defaultScope"))
    return (gateway,)


def _place(listener: KubeListener) -> tuple[int, str, str]:
    return listener.port, listener.protocol, listener.hostname


def _read_addresses(spec: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read host names and IP addresses."""
    hostnames: list[str] = []
    addresses: list[str] = []
    for item in at_most(spec, "addresses", MOST_ADDRESSES):
        kind, value = item.choice("type", ("IPAddress", "Hostname"), "IPAddress"), item.text("value")
        if not value:
            item.wrong("value", "expected a value, since no addresses are given out here, got nothing")
        elif kind == "IPAddress" and not is_ip_address(value):
            item.wrong("value", f"expected an IP address, got {value!r}", "give type: Hostname to a name")
        elif kind == "Hostname" and wildcard_hostname(value):
            item.wrong("value", f"expected a host name, got {value!r}")
        (addresses if kind == "IPAddress" else hostnames).append(value)
        item.finish()
    return tuple(hostnames), tuple(addresses)


def _read_listener(item: Fields) -> KubeListener:
    if "protocol" not in item:
        item.wrong("protocol", f"expected {' or '.join(_PROTOCOLS)}, got nothing")
    protocol = item.choice("protocol", _PROTOCOLS, "")
    tls = item.mapping("tls")
    listener = KubeListener(
        item.text("name", check=subdomain_name, required=True), item.port("port", required=True), protocol,
        item.text("hostname", check=wildcard_hostname), tls.choice("mode", ("Terminate", "Passthrough"), "Terminate") == "Passthrough",
        _read_certificates(tls), _read_options(tls), _read_allowed(item.mapping("allowedRoutes")),
    )
    if "tls" in item and protocol in ("HTTP", "TCP"):
        item.wrong("tls", f"expected no tls on a listener of {protocol}, got some")
    if protocol == "TCP" and listener.hostname:
        item.wrong("hostname", "expected no hostname on a listener of TCP, which has none, got one")
    if protocol == "HTTPS" and listener.passthrough:
        tls.wrong("mode", "expected Terminate on a listener of HTTPS, got Passthrough")
    if protocol in ("HTTPS", "TLS") and not listener.passthrough and not listener.certificates and listener.terminate_mode != "ISTIO_MUTUAL":
        tls.wrong("certificateRefs", "expected a certificate where TLS is ended, got none")
    tls.finish(("frontendValidation",))
    item.finish()
    return listener


def _read_certificates(tls: Fields) -> tuple[SecretRef, ...]:
    found = []
    for item in at_most(tls, "certificateRefs", MOST_CERTIFICATES):
        group, kind = read_group_kind(item, "", "Secret")
        if (group, kind) != ("", "Secret"):
            item.wrong("kind", f"expected a Secret, got {kind} of {group or 'v1'}")
        found.append(SecretRef(item.text("name", check=subdomain_name, required=True), item.text("namespace", check=label_name)))
        item.finish()
    return tuple(found)


def _read_options(tls: Fields) -> TerminateMode:
    """Read the one of Istio's options that says which certificates clients show."""
    options = tls.text_map("options")
    for name in options:
        if name != "gateway.istio.io/tls-terminate-mode":
            tls.mapping("options").wrong(name, f"expected gateway.istio.io/tls-terminate-mode, got {name}, which is ignored", severity="warning")
    return tls.mapping("options").choice("gateway.istio.io/tls-terminate-mode", _TERMINATE_MODES, "")


def _read_allowed(fields: Fields) -> AllowedRoutes:
    namespaces = fields.mapping("namespaces")
    source = namespaces.choice("from", _FROM, "Same")
    selector = namespaces.mapping("selector")
    if (source == "Selector") != ("selector" in namespaces):
        namespaces.wrong("selector", f"expected a selector with from: Selector, and nowhere else, got from: {source}")
    allowed = AllowedRoutes(
        source, selector.text_map("matchLabels", key=label_key, value=label_value),
        tuple(_read_requirement(item) for item in selector.items("matchExpressions")), _read_kinds(fields),
    )
    selector.finish()
    namespaces.finish()
    fields.finish()
    return allowed


def _read_requirement(item: Fields) -> Requirement:
    if "operator" not in item:
        item.wrong("operator", f"expected {' or '.join(_OPERATORS)}, got nothing")
    found = Requirement(
        item.text("key", check=label_key, required=True), item.choice("operator", _OPERATORS, "In"), item.texts("values", check=label_value),
    )
    if (found.operator in ("In", "NotIn")) != bool(found.values):
        item.wrong("values", f"expected values with In and NotIn, and nowhere else, got operator {found.operator}")
    item.finish()
    return found


def _read_kinds(fields: Fields) -> tuple[str, ...] | None:
    found = []
    for item in at_most(fields, "kinds", MOST_KINDS):
        group, kind = read_group_kind(item, GATEWAY_GROUP, "")
        if not kind:
            item.wrong("kind", "expected a kind such as HTTPRoute, got nothing")
        elif group != GATEWAY_GROUP:
            item.wrong("group", f"expected {GATEWAY_GROUP}, got {group or 'v1'}; it is ignored", severity="warning")
        else:
            found.append(kind)
        item.finish()
    return tuple(found) if "kinds" in fields and found else None


def _controller(text: str) -> str:
    domain, slash, path = text.partition("/")
    return "" if slash and path and not subdomain_name(domain) and text.isprintable() else "a name such as istio.io/gateway-controller"
