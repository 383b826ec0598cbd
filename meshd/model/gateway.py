"""Istio's Gateway: which ports an edge proxy opens, for which hosts, with which TLS."""

from collections.abc import Mapping

import attrs

from meshd.model.checks import ip_address, label_name, label_value, one_line, wildcard_host
from meshd.model.destination_rule import selector_key
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields, shown
from meshd.model.server_tls import MOST_CERTIFICATES, ServerTls, read_server_tls
from meshd.model.service_entry import protocol_name
from meshd.model.workload_entry import UNIX

TLS_PROTOCOLS = ("HTTPS", "TLS")


@attrs.frozen
class Server:
    """
    One server of a Gateway.

    Attributes:
        port: Its number; 0 with a UNIX socket.
        port_name: Of the port.
        protocol: In capitals.
        hosts: `host`, `*` or `namespace/host`: virtual services of that namespace only.
        bind: Address, or `unix://...`; empty for every address.
        tls: None: none.
        name: Its own, for statistics.
    """

    port: int
    port_name: str
    protocol: str
    hosts: tuple[str, ...]
    bind: str = ""
    tls: ServerTls | None = None
    name: str = ""


@attrs.frozen
class Gateway:
    """Istio's Gateway (networking.istio.io/v1); `selector` chooses edge proxies by their labels, an empty one all of them."""

    metadata: Metadata
    selector: Mapping[str, str] = attrs.field(factory=dict)
    servers: tuple[Server, ...] = ()


def read_gateway(fields: Fields, metadata: Metadata) -> tuple[Gateway, ...]:
    """Read a Gateway."""
    spec = fields.mapping("spec")
    if spec.is_empty("servers"):
        spec.wrong("servers", "expected at least one server, got none")
    servers: list[Server] = []
    names: set[str] = set()
    for item in spec.items("servers"):
        server = _read_server(item)
        if server.port_name and server.port_name in names:
            item.wrong("port", f"expected each port name once, got {server.port_name} twice", severity="warning")
        names.add(server.port_name)
        servers.append(server)
    gateway = Gateway(metadata, spec.text_map("selector", key=selector_key, value=label_value), tuple(servers))
    spec.finish()
    return (gateway,)


def _read_server(fields: Fields) -> Server:
    bind = fields.text("bind", check=bind_address)
    if "port" not in fields:
        fields.wrong("port", "expected a port, got nothing")
    number, name, protocol = fields.optional("port", lambda port: _read_port(port, bind)) or (0, "", "")
    if fields.is_empty("hosts"):
        fields.wrong("hosts", "expected at least one host, got none")
    server = Server(
        number, name, protocol, fields.texts("hosts", check=_server_host), bind, fields.optional("tls", read_server_tls),
        fields.text("name", check=one_line),
    )
    if protocol:
        _check_tls(fields, server)
    if bind.startswith(UNIX):
        fields.not_served("bind", "a UNIX socket as bind")
    fields.not_served("defaultEndpoint")
    fields.finish()
    return server


def _read_port(port: Fields, bind: str) -> tuple[int, str, str]:
    """Read a port's number, name and protocol."""
    found = (
        read_bound_number(port, bind), port.text("name", check=one_line, required=True),
        port.text("protocol", check=protocol_name, required=True).upper(),
    )
    port.not_served("targetPort")
    port.finish()
    return found


def read_bound_number(port: Fields, bind: str) -> int:
    """Read a port's number, which is 0 or absent where a UNIX socket is bound."""
    if not bind.startswith(UNIX):
        return port.port("number", required=True)
    if port.raw("number") not in (None, 0):
        port.wrong("number", f"expected no number with a UNIX socket, got {shown(port.raw('number'))}")
    return 0


def bind_address(text: str) -> str:
    """Check what a listener is bound to."""
    if text.startswith(UNIX):
        return "" if text.removeprefix(UNIX)[:1] in ("/", "@") and len(text) > len(UNIX) + 1 else "unix:///path"
    return ip_address(text) and "an IP address or unix:///path"


def _server_host(text: str) -> str:
    namespace, slash, host = text.rpartition("/")
    if slash and namespace not in ("*", ".") and label_name(namespace):
        return "*, . or the name of a namespace before the slash"
    if host != "*" and "." not in host:
        return "a full host name, since short names are not understood here"
    return wildcard_host(host)


def _check_tls(fields: Fields, server: Server) -> None:
    tls = server.tls
    if server.protocol not in TLS_PROTOCOLS:
        if tls is not None and tls.mode is not None and "mode" in fields.mapping("tls"):
            fields.wrong("tls", f"expected httpsRedirect alone on a port of {server.protocol or 'no TLS'}, got mode {tls.mode}")
        return
    if tls is None:
        if "tls" not in fields:
            fields.wrong("tls", f"expected TLS settings on a port of {server.protocol}, got nothing")
        return
    if tls.https_redirect:
        fields.wrong("tls", f"expected no httpsRedirect on a port of {server.protocol}, where it has no effect", severity="warning")
    check_certificates(fields.mapping("tls"), tls)


def check_certificates(fields: Fields, tls: ServerTls) -> None:
    """Check that a mode has the certificates that it needs, and each from one place."""
    given = [name for name in ("credentialName", "credentialNames", "tlsCertificates") if fields.values.get(name)]
    if fields.values.get("serverCertificate") and fields.values.get("privateKey"):
        given.append("serverCertificate")
    if len(given) > 1:
        fields.wrong(given[1], f"expected one of credentialName, credentialNames, tlsCertificates and serverCertificate, got {' and '.join(given)}")
    if max(len(tls.files), len(tls.credential_names)) > MOST_CERTIFICATES:
        fields.wrong("", f"expected at most {MOST_CERTIFICATES} certificates, got more; the first two are used", severity="warning")
    if tls.mode == "ISTIO_MUTUAL":
        for name in ("serverCertificate", "privateKey", "caCertificates", "credentialName"):
            if fields.values.get(name):
                fields.wrong(name, "expected nothing in mode ISTIO_MUTUAL, whose certificates are the machine's own, got a value")
    if tls.credential_names or tls.mode not in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
        return
    _check_files(fields, tls)


def _check_files(fields: Fields, tls: ServerTls) -> None:
    for certificate in tls.files or (None,):
        for name, value in (("serverCertificate", certificate and certificate.certificate), ("privateKey", certificate and certificate.private_key)):
            if not value:
                fields.wrong(name, f"expected a file in mode {tls.mode}, got nothing")
    if tls.mode == "SIMPLE" and tls.ca_crl:
        fields.wrong("caCrl", "expected none in mode SIMPLE, which asks for no client certificates, got one")
    if tls.mode != "SIMPLE" and not fields.values.get("caCertificates"):
        fields.wrong("caCertificates", f"expected a file in mode {tls.mode}, got nothing")


