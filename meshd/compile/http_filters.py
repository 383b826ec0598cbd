"""The HTTP filters of a connection manager, in Istio's order."""

from meshd.snapshot.http_filter import Cors, Fault, GrpcStats, HttpFilterConfig, Router


def http_filters() -> tuple[HttpFilterConfig, ...]:
    """
    Give the filters of every connection manager, inbound and outbound alike.

    Istio's own filters are left out, since no other Envoy has them: peer metadata exchange, ALPN of mutual TLS, telemetry.

    Source:
        Istio pilot/pkg/networking/core/listener_builder.go, buildHTTPConnectionManager.
    """
    return (GrpcStats(), Fault(), Cors(), Router())
