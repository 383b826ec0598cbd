"""Reading Sidecars as Istio validates them."""

import pytest

from meshd.model.server_tls import Certificate, ServerTls
from meshd.model.sidecar import Egress, Ingress, Sidecar, SidecarPort
from meshd.model.traffic_policy import ConnectionPool
from meshd.model.virtual_service import Destination
from tests.helpers.networking import SIDECAR, read, wrong


def test_reads_a_whole_sidecar():
    """Every field."""
    found = read(Sidecar, SIDECAR)
    tls = ServerTls("SIMPLE", files=(Certificate("/c.pem", "/k.pem"),))
    expected = Sidecar(
        found.metadata,
        {"app": "web"},
        (
            Egress(("./*", "prod/*.example.com"), SidecarPort(8080, "http", "HTTP"), "127.0.0.1", "NONE"),
            Egress(("*/*", "~prod/web.prod.svc.cluster.local")),
        ),
        (
            Ingress(SidecarPort(80, "http", "HTTP"), "10.0.0.1", "IPTABLES", "127.0.0.1:8080", tls, ConnectionPool(max_retries=1)),
            Ingress(SidecarPort(81), default_endpoint="unix:///run/web.sock"),
        ),
        ConnectionPool(max_connections=5),
        "ALLOW_ANY",
        Destination("out.example.com", "", 443),
    )
    assert expected == found


def test_an_empty_policy_is_protobufs_default():
    """A Sidecar that names the policy and no mode means the first word."""
    assert "REGISTRY_ONLY" == read(Sidecar, "{outboundTrafficPolicy: {}}").outbound_mode
    assert read(Sidecar, "{egress: [{hosts: ['*/*']}]}").outbound_mode is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec: expected egress, ingress, outboundTrafficPolicy or inboundConnectionPool, got none of them"]),
        ("{egress: [{}]}", ["error spec.egress[0].hosts: expected at least one host, got none"]),
        ("{egress: [{hosts: 0}]}", ["error spec.egress[0].hosts: expected a list, got the number 0; begin each item with '- '"]),
        ("{egress: [{hosts: [web]}]}", [
            "error spec.egress[0].hosts[0]: expected namespace/host, where the namespace may be *, . or begin with ~, got 'web'",
        ]),
        ("{egress: [{hosts: [a/*b.com]}]}", [
            "error spec.egress[0].hosts[0]: expected a host with * in the place of its first label, got 'a/*b.com'",
        ]),
        ("{egress: [{hosts: [./*, default/web.com]}]}", [
            "warning spec.egress[0].hosts: expected default/* alone, which covers default/web.com, got both",
        ]),
        ("{egress: [{hosts: ['*/*', ./web.com]}]}", ["warning spec.egress[0].hosts: expected */* alone, which covers ./web.com, got both"]),
        ("{egress: [{hosts: ['*/*']}, {hosts: ['*/*']}]}", [
            "error spec.egress[0]: expected the listener without a port last, and once, got another behind it",
        ]),
        ("{egress: [{hosts: ['*/*'], port: {number: 80}}, {hosts: ['*/*'], port: {number: 80}}]}", [
            "error spec.egress[1]: expected each port once, got 80 twice",
        ]),
        ("{egress: [{hosts: ['*/*'], bind: 10.0.0.1}]}", ["error spec.egress[0].port: expected a port beside bind, got nothing"]),
        ("{egress: [{hosts: ['*/*'], bind: unix:///a, port: {protocol: HTTP}, captureMode: IPTABLES}]}", [
            "warning spec.egress[0].bind: a UNIX socket as bind is not served yet and has no effect",
            "error spec.egress[0].captureMode: expected DEFAULT or NONE with a UNIX socket, got IPTABLES",
        ]),
        ("{egress: [{hosts: ['*/*'], bind: unix:///a, port: {number: 80}}]}", [
            "error spec.egress[0].port.number: expected no number with a UNIX socket, got the number 80",
            "warning spec.egress[0].bind: a UNIX socket as bind is not served yet and has no effect",
        ]),
        ("{egress: [{hosts: ['*/*'], port: {number: 80, protocol: FTP}}]}", [
            "error spec.egress[0].port.protocol: expected a protocol such as HTTP or TCP, got 'FTP'",
        ]),
        ("{egress: [{hosts: ['*/*'], captureMode: SOME}]}", ["error spec.egress[0].captureMode: expected DEFAULT or IPTABLES or NONE, got 'SOME'"]),
        ("{egress: [{hosts: ['*/*'], captureMode: NONE}]}", []),
        ("{ingress: [{}]}", ["error spec.ingress[0].port: expected a port, got nothing"]),
        ("{ingress: [{port: {number: 80}, bind: unix:///a}]}", ["error spec.ingress[0].bind: expected an IP address, got 'unix:///a'"]),
        ("{ingress: [{port: {number: 80}, defaultEndpoint: '10.0.0.1:80'}]}", [
            "error spec.ingress[0].defaultEndpoint: expected 127.0.0.1:PORT, 0.0.0.0:PORT or unix:///path, got '10.0.0.1:80'",
        ]),
        ("{ingress: [{port: {number: 80}, defaultEndpoint: '127.0.0.1:²'}]}", [
            "error spec.ingress[0].defaultEndpoint: expected 127.0.0.1:PORT, 0.0.0.0:PORT or unix:///path, got '127.0.0.1:²'",
        ]),
        ("{ingress: [{port: {number: 80}, defaultEndpoint: unix:///a}]}", [
        ]),
        ("{ingress: [{port: {number: 80}, captureMode: NONE}]}", []),
        ("{ingress: [{port: {number: 80}}, {port: {number: 80}}]}", ["error spec.ingress[1].port: expected each port once, got 80 twice"]),
        ("{ingress: [{port: {number: 80}, tls: {mode: PASSTHROUGH}}]}", [
            "error spec.ingress[0].tls.mode: expected SIMPLE, MUTUAL or OPTIONAL_MUTUAL, got PASSTHROUGH",
        ]),
        ("{ingress: [{port: {number: 80}, tls: {mode: SIMPLE, credentialName: a}}]}", [
            "error spec.ingress[0].tls.credentialName: expected files of one certificate, got another setting, which sidecars do not have",
        ]),
        ("{ingress: [{port: {number: 80, protocol: TCP}, connectionPool: {http: {maxRetries: 1}}}]}", [
            "warning spec.ingress[0].connectionPool: expected tcp settings alone on a port of TCP, got http, which has no effect",
        ]),
        ("{ingress: [{port: {number: 80, targetPort: 81}}]}", [
            "warning spec.ingress[0].port.targetPort: targetPort is not served yet and has no effect",
        ]),
        ("{outboundTrafficPolicy: {mode: SOME}}", ["error spec.outboundTrafficPolicy.mode: expected REGISTRY_ONLY or ALLOW_ANY, got 'SOME'"]),
        ("{outboundTrafficPolicy: {mode: REGISTRY_ONLY, egressProxy: {host: a, port: {number: 1}}}}", [
            "error spec.outboundTrafficPolicy.egressProxy: expected mode ALLOW_ANY beside it, got REGISTRY_ONLY",
        ]),
        ("{outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: a}}}", [
            "error spec.outboundTrafficPolicy.egressProxy: expected a port, got nothing",
        ]),
        ("{egress: [{hosts: ['*/*']}], workloadSelector: {labels: {a: 5}}}", [
            "error spec.workloadSelector.labels.a: expected text, got the number 5; quote it",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong(Sidecar, spec)
