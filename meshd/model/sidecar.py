"""Istio's Sidecar: what a workload takes in, and what it sees of the mesh."""

from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.base.addresses import is_ip_address
from meshd.model.checks import label_name, one_line, port_range, wildcard_host
from meshd.model.destination_rule import read_selector
from meshd.model.gateway import bind_address, check_certificates, read_bound_number
from meshd.model.http_match_reading import read_destination
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields
from meshd.model.server_tls import ServerTls, read_server_tls
from meshd.model.service_entry import protocol_name
from meshd.model.traffic_policy import ConnectionPool
from meshd.model.traffic_policy_reading import read_connection_pool
from meshd.model.virtual_service import Destination
from meshd.model.workload_entry import UNIX

CaptureMode = Literal["DEFAULT", "IPTABLES", "NONE"]
OutboundMode = Literal["REGISTRY_ONLY", "ALLOW_ANY"]

_CAPTURE: tuple[CaptureMode, ...] = ("DEFAULT", "IPTABLES", "NONE")
_OUTBOUND: tuple[OutboundMode, ...] = ("REGISTRY_ONLY", "ALLOW_ANY")
_OPAQUE = ("TCP", "TLS", "MONGO", "MYSQL", "REDIS")
_OWN_ADDRESSES = ("127.0.0.1", "0.0.0.0", "::1", "::")  # Istio: the application, on loopback or on the machine's own address


@attrs.frozen
class SidecarPort:
    """A port of a listener; the protocol in capitals, empty: told by the first bytes."""

    number: int
    name: str = ""
    protocol: str = ""


@attrs.frozen
class Egress:
    """
    What is seen of the mesh, on one port or on all.

    Attributes:
        hosts: `namespace/host`; the namespace may be `*`, `.`, or begin with `~`: not these.
        port: None for every port that no other listener has.
        bind: Address, or `unix://...`.
        capture_mode: Whether connections come by capture or to `bind`.
    """

    hosts: tuple[str, ...]
    port: SidecarPort | None = None
    bind: str = ""
    capture_mode: CaptureMode = "DEFAULT"


@attrs.frozen
class Ingress:
    """
    A port that is taken in.

    Attributes:
        default_endpoint: `127.0.0.1:PORT`, `0.0.0.0:PORT` or `unix:///path`; empty: where the connection meant to go.
        tls: None: as the mesh says.
        connection_pool: None: the Sidecar's.
    """

    port: SidecarPort
    bind: str = ""
    capture_mode: CaptureMode = "DEFAULT"
    default_endpoint: str = ""
    tls: ServerTls | None = None
    connection_pool: ConnectionPool | None = None


@attrs.frozen
class Sidecar:
    """
    Istio's Sidecar (networking.istio.io/v1).

    Attributes:
        metadata: Identity.
        selector: Labels of workloads; empty for all of the namespace.
        egress: In order; empty: all that is exported.
        ingress: In order; empty: every port of the workload's services.
        inbound_connection_pool: Of all ingress listeners.
        outbound_mode: None: the mesh's.
        egress_proxy: Where unknown destinations go.
    """

    metadata: Metadata
    selector: Mapping[str, str] = attrs.field(factory=dict)
    egress: tuple[Egress, ...] = ()
    ingress: tuple[Ingress, ...] = ()
    inbound_connection_pool: ConnectionPool | None = None
    outbound_mode: OutboundMode | None = None
    egress_proxy: Destination | None = None


def read_sidecar(fields: Fields, metadata: Metadata) -> tuple[Sidecar, ...]:
    """Read a Sidecar."""
    spec = fields.mapping("spec")
    if not any(name in spec for name in ("egress", "ingress", "outboundTrafficPolicy", "inboundConnectionPool")):
        spec.wrong("", "expected egress, ingress, outboundTrafficPolicy or inboundConnectionPool, got none of them")
    policy = spec.mapping("outboundTrafficPolicy")
    mode = policy.choice("mode", _OUTBOUND, "REGISTRY_ONLY")
    proxy = policy.optional("egressProxy", read_destination)
    if proxy is not None and not proxy.port:
        policy.wrong("egressProxy", "expected a port, got nothing")
    if proxy is not None and mode != "ALLOW_ANY":
        policy.wrong("egressProxy", f"expected mode ALLOW_ANY beside it, got {mode}")
    sidecar = Sidecar(
        metadata, read_selector(spec, "workloadSelector"), _read_all_egress(spec), _read_all_ingress(spec),
        spec.optional("inboundConnectionPool", read_connection_pool), mode if "outboundTrafficPolicy" in spec else None, proxy,
    )
    policy.finish()
    spec.finish()
    return (sidecar,)


def _read_all_egress(spec: Fields) -> tuple[Egress, ...]:
    found = [_read_egress(item) for item in spec.items("egress")]
    seen: set[tuple[int, str]] = set()
    for index, listener in enumerate(found):
        path = (*spec.path, "egress", index)
        if listener.port is None and index != len(found) - 1:
            spec.report.add(path, "expected the listener without a port last, and once, got another behind it")
        if listener.port is not None and listener.port.number:
            if (listener.port.number, listener.bind) in seen:
                spec.report.add(path, f"expected each port once, got {listener.port.number} twice")
            seen.add((listener.port.number, listener.bind))
    return tuple(found)


def _read_port(fields: Fields, bind: str) -> SidecarPort | None:
    def read(port: Fields) -> SidecarPort:
        found = SidecarPort(
            read_bound_number(port, bind), port.text("name", check=one_line), port.text("protocol", check=protocol_name).upper(),
        )
        port.not_served("targetPort")
        port.finish()
        return found

    return fields.optional("port", read)


def _read_egress(fields: Fields) -> Egress:
    bind = fields.text("bind", check=bind_address)
    if fields.is_empty("hosts"):
        fields.wrong("hosts", "expected at least one host, got none")
    listener = Egress(
        fields.texts("hosts", check=_egress_host), _read_port(fields, bind), bind, fields.choice("captureMode", _CAPTURE, "DEFAULT"),
    )
    if "port" not in fields and bind:
        fields.wrong("port", "expected a port beside bind, got nothing")
    if bind.startswith(UNIX):
        fields.not_served("bind", "a UNIX socket as bind")
        if listener.capture_mode == "IPTABLES":
            fields.wrong("captureMode", "expected DEFAULT or NONE with a UNIX socket, got IPTABLES")
    _check_covered(fields, listener)
    fields.finish()
    return listener


def _check_covered(fields: Fields, listener: Egress) -> None:
    """Warn of hosts that another one covers, as all of a namespace does."""
    own = fields.report.origin.namespace
    pairs = [(own if namespace == "." else namespace, host) for namespace, _, host in (text.partition("/") for text in listener.hosts)]
    whole = {namespace for namespace, host in pairs if host == "*"}
    for text, (namespace, host) in zip(listener.hosts, pairs, strict=True):
        over = "*" if "*" in whole else namespace if namespace in whole else ""
        if over and (namespace, host) != (over, "*") and not namespace.startswith("~"):
            fields.wrong("hosts", f"expected {over}/* alone, which covers {text}, got both", severity="warning")
            return


def _egress_host(text: str) -> str:
    namespace, slash, host = text.partition("/")
    bare = namespace.removeprefix("~")
    if not slash or not host or (bare not in ("", "*", ".") and label_name(bare)) or not namespace:
        return "namespace/host, where the namespace may be *, . or begin with ~"
    return wildcard_host(host) or ("a host with * in the place of its first label" if host.startswith("*") and host[1:2] not in ("", ".") else "")


def _read_all_ingress(spec: Fields) -> tuple[Ingress, ...]:
    found: list[Ingress] = []
    numbers: set[int] = set()
    for item in spec.items("ingress"):
        listener = _read_ingress(item)
        if listener.port.number and listener.port.number in numbers:
            item.wrong("port", f"expected each port once, got {listener.port.number} twice")
        numbers.add(listener.port.number)
        found.append(listener)
    return tuple(found)


def _read_ingress(fields: Fields) -> Ingress:
    bind = fields.text("bind", check=lambda text: "" if is_ip_address(text) else "an IP address")
    port = _read_port(fields, "")
    if "port" not in fields:
        fields.wrong("port", "expected a port, got nothing")
    listener = Ingress(
        port or SidecarPort(0), bind, fields.choice("captureMode", _CAPTURE, "DEFAULT"), fields.text("defaultEndpoint", check=_own_endpoint),
        fields.optional("tls", _read_ingress_tls), fields.optional("connectionPool", read_connection_pool),
    )
    pool = fields.values.get("connectionPool")
    if isinstance(pool, dict) and pool.get("http") is not None and port is not None and port.protocol in _OPAQUE:
        fields.wrong("connectionPool", f"expected tcp settings alone on a port of {port.protocol}, got http, which has no effect", severity="warning")
    fields.finish()
    return listener


def _own_endpoint(text: str) -> str:
    if text.startswith(UNIX):
        return bind_address(text)
    host, _, port = text.rpartition(":")
    good = host.removeprefix("[").removesuffix("]") in _OWN_ADDRESSES and not port_range(port) and "-" not in port
    return "" if good else "127.0.0.1:PORT, 0.0.0.0:PORT or unix:///path"


def _read_ingress_tls(fields: Fields) -> ServerTls:
    tls = read_server_tls(fields)
    if tls.mode not in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
        fields.wrong("mode", f"expected SIMPLE, MUTUAL or OPTIONAL_MUTUAL, got {tls.mode}")
    for name in ("httpsRedirect", "credentialName", "credentialNames", "tlsCertificates"):
        if fields.values.get(name):
            fields.wrong(name, "expected files of one certificate, got another setting, which sidecars do not have")
    check_certificates(fields, tls)
    return tls
