"""Secrets that Gateways name."""

from meshd.analyze.gateway_secrets import find_missing_secrets
from tests.helpers.analysis import found, node
from tests.helpers.edge import gateway, server

SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: cert, namespace: default}}"
NODE = node("edge", "app: edge", ", gateway: true")


def named(*credentials):
    """Write a Gateway with credentials."""
    servers = [server(443, "HTTPS", f"{name}.test", f"tls: {{mode: SIMPLE, credentialName: {name}}}", name) for name in credentials]
    return gateway("g", *servers, selector="app: edge")


def test_nothing_is_missed_without_secrets():
    """Certificates are files then."""
    assert [] == found(find_missing_secrets, NODE, named("cert", "other"))


def test_finds_missing_ones():
    """In a namespace of whoever serves the Gateway."""
    told = found(find_missing_secrets, SECRET, NODE, named("cert", "other"))
    assert ['IST0101 g 5 spec.servers[1].tls: Referenced credentialName not found: "other"'] == told
