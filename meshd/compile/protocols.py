"""Which protocol a port speaks, chosen as Istio chooses it: by `appProtocol`, by the port's name, by a few well-known numbers."""

from typing import Literal

Protocol = Literal["http", "http2", "http_proxy", "grpc", "grpc-web", "tcp", "tls", "https", "mongo", "redis", "mysql", "udp", "auto"]

HTTP_FAMILY: frozenset[Protocol] = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
HTTP2_FAMILY: frozenset[Protocol] = frozenset({"http2", "grpc", "grpc-web"})
GRPC_FAMILY: frozenset[Protocol] = frozenset({"grpc", "grpc-web"})
TLS_FAMILY: frozenset[Protocol] = frozenset({"tls", "https"})

NEVER_SNIFFED = frozenset({25, 53, 3306, 27017})  # Istio: the server speaks first, so waiting for the client would hang

_BY_NAME: dict[str, Protocol] = {
    "tcp": "tcp", "udp": "udp", "grpc": "grpc", "grpc-web": "grpc-web", "http": "http", "http_proxy": "http_proxy", "http2": "http2",
    "https": "https", "tls": "tls", "mongo": "mongo", "redis": "redis", "mysql": "mysql",
}
_BY_APP_PROTOCOL: dict[str, Protocol] = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}


def select_protocol(port: int, name: str, transport: str = "TCP", app_protocol: str = "") -> Protocol:
    """
    Choose the protocol of a service port.

    Args:
        port: The service port's number.
        name: The service port's name, `http-web`; may be empty.
        transport: `TCP`, `UDP` or `SCTP`.
        app_protocol: Kubernetes' `appProtocol`, which wins over the name; empty when absent.

    Returns:
        `auto` when nothing is declared: the first bytes tell.

    Source:
        Istio pkg/config/kube/conversion.go.
    """
    if transport == "UDP":
        return "udp"
    if app_protocol in _BY_APP_PROTOCOL:
        return _BY_APP_PROTOCOL[app_protocol]
    text = (app_protocol or name).lower()
    if text.startswith("grpc-web"):
        return "grpc-web"
    declared = _BY_NAME.get(text.partition("-")[0])
    if declared is not None:
        return declared
    return "tcp" if port in NEVER_SNIFFED else "auto"


def entry_protocol(word: str) -> Protocol:
    """Choose the protocol that a ServiceEntry, Gateway or Sidecar declares by a word in any case; an empty one is not declared."""
    return _BY_NAME.get(word.lower(), "auto")
