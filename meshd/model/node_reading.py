"""Reads `kind: Node`."""

import attrs

from meshd.base.addresses import canonical_ip
from meshd.base.locality import Locality, parse_locality
from meshd.model.checks import account, cidr, interface, ip_address, label_key, label_name, label_value, one_line, port_range, subdomain_name
from meshd.model.metadata import Metadata
from meshd.model.node import (
    APPLIED_BY,
    BACKEND_NAMES,
    SOURCE_NAMES,
    CaptureSettings,
    Debounce,
    DnsSettings,
    KubernetesSettings,
    Node,
    Ports,
    SourceName,
)
from meshd.model.reading import Fields, shown
from meshd.model.registry_settings import read_registry

MAX_WORKERS = 256  # far more than cores of any machine this runs on; a typing slip must not fork thousands
MAX_BOUND = 60.0  # seconds that changes may gather; more would look like being dead


def read_node(fields: Fields, metadata: Metadata) -> tuple[Node, ...]:
    """Read a Node; every setting is optional."""
    spec = fields.mapping("spec")
    admin = spec.mapping("admin")
    default = Node(metadata)
    sources = _read_sources(spec)
    node = Node(
        metadata,
        namespace=spec.text("namespace", default.namespace, check=label_name),
        service_account=spec.text("serviceAccount", default.service_account, check=subdomain_name),
        labels=spec.text_map("labels", key=label_key, value=label_value),
        addresses=tuple(dict.fromkeys(canonical_ip(text) for text in spec.texts("addresses", check=_own_address))),
        locality=_read_locality(spec),
        network=spec.text("network", check=one_line),
        gateway=spec.flag("gateway"),
        source=sources,
        workers=spec.number("workers", 0, low=0, high=MAX_WORKERS),
        user=_read_user(spec),
        ports=_read_ports(spec.mapping("ports")),
        debounce=_read_debounce(spec.mapping("debounce")),
        kernel_forwarding=spec.choice("kernelForwarding", ("auto", "off"), default.kernel_forwarding),
        admin_address="" if admin.raw("address") == "" else admin.text("address", default.admin_address, check=ip_address),
        capture=_read_capture(spec.mapping("capture")),
        dns=_read_dns(spec.mapping("dns")),
        kubernetes=_read_kubernetes(spec),
    )
    node = attrs.evolve(node, registry=read_registry(spec.mapping("registry"), node.namespace))
    if spec.raw("kubernetes") and "kubernetes" not in sources and not node.registry.kubernetes:
        said = "expected source: kubernetes or registry: {kubernetes: true} beside it, got neither"
        spec.wrong("kubernetes", said, "or it has no effect", severity="warning")
    if node.registry.serve is not None:  # who connects is told by the connection, which must be the machine's own
        open_ports = (*node.capture.exclude_inbound_ports, str(node.registry.serve.port))
        node = attrs.evolve(node, capture=attrs.evolve(node.capture, exclude_inbound_ports=open_ports))
    admin.finish()
    spec.finish()
    return (node,)


def _own_address(text: str) -> str:
    return "an IP address of the machine" if ip_address(text) or canonical_ip(text) in ("0.0.0.0", "::") else ""


def _read_locality(spec: Fields) -> Locality:
    text = spec.text("locality", check=one_line)
    try:
        return parse_locality(text)
    except ValueError as error:
        spec.wrong("locality", str(error))
        return Locality()


def _read_sources(spec: Fields) -> tuple[SourceName, ...]:
    """Read one source, or a list of them."""
    value = spec.raw("source")
    if not isinstance(value, list):
        return (spec.choice("source", SOURCE_NAMES, "directory"),)
    found = [name for name in SOURCE_NAMES if name in value]
    if not found or len(found) != len(value):
        spec.wrong("source", f"expected {' and '.join(SOURCE_NAMES)}, each once, got {shown(value)} of something else")
        return ("directory",)
    return tuple(found)


def _read_kubernetes(spec: Fields) -> KubernetesSettings:
    fields = spec.mapping("kubernetes")
    kubeconfig = fields.text("kubeconfig", check=one_line)
    if kubeconfig and not kubeconfig.startswith("/"):
        fields.wrong("kubeconfig", f"expected a path that begins with /, got {shown(kubeconfig)}")
    context, namespaces = fields.text("context", check=one_line), fields.texts("namespaces", check=label_name)
    fields.finish()
    return KubernetesSettings(kubeconfig, context, tuple(dict.fromkeys(namespaces)))


def _read_user(spec: Fields) -> str:
    value = spec.raw("user")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32 - 1:
        return str(value)
    return spec.text("user", check=account)


def _read_ports(fields: Fields) -> Ports:
    default = Ports()
    found: dict[str, int] = {}
    for attribute in attrs.fields(Ports):
        name = attribute.name
        found[name] = fields.port(name, getattr(default, name))
        other = next((other for other in found if other != name and found[other] == found[name]), None)
        if other is not None:
            fields.wrong(name, f"expected each port once, got {found[name]} for {other} too")
    fields.finish()
    return Ports(**found)


def _read_debounce(fields: Fields) -> Debounce:
    default = Debounce()
    quiet = fields.duration("quiet", default.quiet)
    bound = fields.duration("bound", max(default.bound, quiet))
    if not quiet <= bound <= MAX_BOUND:
        fields.wrong("bound", f"expected a duration from quiet ({quiet:g}s) to {MAX_BOUND:g}s, got {bound:g}s")
    fields.finish()
    return Debounce(quiet, bound)


def _read_dns(fields: Fields) -> DnsSettings:
    servers = tuple(dict.fromkeys(canonical_ip(text) for text in fields.texts("servers", check=ip_address)))
    settings = DnsSettings(fields.maybe_flag("enabled"), servers, fields.flag("meshOnly"))
    if settings.mesh_only and servers:
        fields.wrong("servers", "expected none beside meshOnly: true, as nothing is passed on", "leave one of them out", severity="warning")
    fields.finish()
    return settings


def _read_capture(fields: Fields) -> CaptureSettings:
    default = CaptureSettings()

    def ports(name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        found = fields.texts(name, check=port_range, numbers=True)
        return found if name in fields else otherwise

    def accounts(name: str) -> tuple[str, ...]:
        return fields.texts(name, check=account, numbers=True)

    excluded = fields.texts("excludeOutboundCidrs", check=cidr)
    settings = CaptureSettings(
        enabled=fields.flag("enabled", default.enabled),
        backend=fields.choice("backend", BACKEND_NAMES, default.backend),
        keep_on_stop=fields.flag("keepOnStop", default.keep_on_stop),
        inbound=fields.flag("inbound", default.inbound),
        outbound=fields.flag("outbound", default.outbound),
        include_inbound_ports=ports("includeInboundPorts", default.include_inbound_ports),
        exclude_inbound_ports=ports("excludeInboundPorts", default.exclude_inbound_ports),
        include_outbound_ports=ports("includeOutboundPorts", default.include_outbound_ports),
        exclude_outbound_ports=ports("excludeOutboundPorts", default.exclude_outbound_ports),
        include_outbound_cidrs=fields.texts("includeOutboundCidrs", check=cidr),
        exclude_outbound_cidrs=excluded if "excludeOutboundCidrs" in fields else default.exclude_outbound_cidrs,
        exclude_uids=accounts("excludeUids"),
        exclude_gids=accounts("excludeGids"),
        include_uids=accounts("includeUids"),
        include_gids=accounts("includeGids"),
        exclude_interfaces=fields.texts("excludeInterfaces", check=interface),
        applied_by=fields.choice("appliedBy", APPLIED_BY, default.applied_by),
    )
    fields.finish()
    return settings
