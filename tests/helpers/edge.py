"""Writes Gateways for tests of edge proxies."""

from tests.helpers.small_worlds import NODE, istio

EDGE_NODE = NODE.replace("spec: {", "spec: {gateway: true, ")
TLS_FILES = "tls: {mode: SIMPLE, serverCertificate: /c, privateKey: /k}"


def server(number: int, protocol: str, hosts: str = "'*'", more: str = "", name: str = "") -> str:
    """Write a server."""
    text = f"{{port: {{number: {number}, name: {name or protocol.lower()}-{number}, protocol: {protocol}}}, hosts: [{hosts}]"
    return f"{text}, {more}}}" if more else f"{text}}}"


def gateway(name: str, *servers: str, selector: str = "app: self", year: int = 2020, namespace: str = "default") -> str:
    """Write a Gateway."""
    spec = f"selector: {{{selector}}}, servers: [{', '.join(servers)}]"
    return istio("Gateway", name, spec, f", creationTimestamp: '{year}-01-01T00:00:00Z'", namespace)
