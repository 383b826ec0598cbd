"""Reading Gateways as Istio validates them."""

import pytest

from meshd.model.gateway import Gateway, Server
from meshd.model.server_tls import Certificate, ServerTls
from tests.helpers.networking import GATEWAY, read, wrong


def test_reads_a_whole_gateway():
    """Every field, with certificates in each place where they may stand."""
    found = read(Gateway, GATEWAY)
    suites = ("ECDHE-RSA-AES128-GCM-SHA256",)
    mutual = ServerTls("MUTUAL", False, (Certificate("/c.pem", "/k.pem", "/ca.pem"),), (), "/crl.pem", ("client",), "TLSV1_2", "TLSV1_3", suites)
    expected = Gateway(
        found.metadata,
        {"istio": "edge"},
        (
            Server(80, "http", "HTTP", ("*",), "192.0.2.1", ServerTls(None, https_redirect=True), "plain"),
            Server(443, "https", "HTTPS", ("./a.example.com", "prod/*.example.com"), "", mutual),
            Server(8443, "two", "TLS", ("*",), "", ServerTls("SIMPLE", files=(Certificate("/c.pem", "/k.pem"), Certificate("/e.pem", "/l.pem")))),
            Server(9443, "secret", "TLS", ("*",), "", ServerTls("SIMPLE", credential_names=("secret",))),
        ),
    )
    assert expected == found


def test_all_of_it_is_served():
    """Nothing is told."""
    assert [] == wrong(Gateway, GATEWAY)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.servers: expected at least one server, got none"]),
        ("{servers: 0}", ["error spec.servers: expected a list, got the number 0; begin each item with '- '"]),
        ("{servers: [{}]}", [
            "error spec.servers[0].port: expected a port, got nothing",
            "error spec.servers[0].hosts: expected at least one host, got none",
        ]),
        ("{servers: [{port: 80, hosts: [a.com]}]}", ["error spec.servers[0].port: expected a mapping, got the number 80"]),
        ("{selector: [], servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com]}]}", [
            "error spec.selector: expected a mapping, got a list",
        ]),
        ("{selector: {a: 5}, servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com]}]}", [
            "error spec.selector.a: expected text, got the number 5; quote it",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: FTP}, hosts: [a.com]}]}", [
            "error spec.servers[0].port.protocol: expected a protocol such as HTTP or TCP, got 'FTP'",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [web]}]}", [
            "error spec.servers[0].hosts[0]: expected a full host name, since short names are not understood here, got 'web'",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [A b/a.com]}]}", [
            "error spec.servers[0].hosts[0]: expected *, . or the name of a namespace before the slash, got 'A b/a.com'",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: []}]}", [
            "error spec.servers[0].hosts: expected at least one host, got none",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com], bind: eth0}]}", [
            "error spec.servers[0].bind: expected an IP address or unix:///path, got 'eth0'",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com], bind: unix:///a}]}", [
            "error spec.servers[0].port.number: expected no number with a UNIX socket, got the number 80",
            "warning spec.servers[0].bind: a UNIX socket as bind is not served yet and has no effect",
        ]),
        ("{servers: [{port: {name: a, protocol: HTTP}, hosts: [a.com], bind: unix:///a}]}", [
            "warning spec.servers[0].bind: a UNIX socket as bind is not served yet and has no effect",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP, targetPort: 81}, hosts: [a.com]}]}", [
            "warning spec.servers[0].port.targetPort: targetPort is not served yet and has no effect",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com], defaultEndpoint: 127.0.0.1:80}]}", [
            "warning spec.servers[0].defaultEndpoint: defaultEndpoint is not served yet and has no effect",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com]}, {port: {number: 81, name: a, protocol: HTTP}, "
         "hosts: [a.com]}]}", [
            "warning spec.servers[1].port: expected each port name once, got a twice",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTPS}, hosts: [a.com]}]}", [
            "error spec.servers[0].tls: expected TLS settings on a port of HTTPS, got nothing",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTPS}, hosts: [a.com], tls: 5}]}", [
            "error spec.servers[0].tls: expected a mapping, got the number 5",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com], tls: {mode: SIMPLE, credentialName: b}}]}", [
            "error spec.servers[0].tls: expected httpsRedirect alone on a port of HTTP, got mode SIMPLE",
        ]),
        ("{servers: [{port: {number: 80, name: a, protocol: HTTPS}, hosts: [a.com], tls: {httpsRedirect: true, mode: PASSTHROUGH}}]}", [
            "warning spec.servers[0].tls: expected no httpsRedirect on a port of HTTPS, where it has no effect",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; those of TLS are in its own tests."""
    assert expected == wrong(Gateway, spec)
