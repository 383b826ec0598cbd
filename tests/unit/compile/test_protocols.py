"""Protocol selection."""

import pytest

from meshd.compile.protocols import HTTP2_FAMILY, HTTP_FAMILY, TLS_FAMILY, select_protocol


@pytest.mark.parametrize(
    ("expected", "port", "name", "app_protocol"),
    [
        ("http", 80, "http", ""),
        ("http", 80, "HTTP-web", ""),
        ("http2", 80, "http2-x", ""),
        ("http_proxy", 80, "http_proxy", ""),
        ("https", 443, "https-443", ""),
        ("tls", 443, "tls", ""),
        ("tcp", 80, "tcp-web", ""),
        ("udp", 80, "udp-x", ""),
        ("grpc", 80, "grpc", ""),
        ("grpc-web", 80, "grpc-web", ""),
        ("grpc-web", 80, "GRPC-Web-x", ""),
        ("grpc", 80, "grpc-we", ""),
        ("mongo", 1, "mongo-db", ""),
        ("redis", 1, "redis", ""),
        ("mysql", 1, "mysql", ""),
        ("auto", 80, "", ""),
        ("auto", 80, "web", ""),
        ("auto", 80, "httpweb", ""),
        ("auto", 80, "-http", ""),
        ("auto", 80, "http2web-http", ""),
        ("tcp", 25, "", ""),
        ("tcp", 53, "dns", ""),
        ("tcp", 3306, "db", ""),
        ("tcp", 27017, "", ""),
        ("http", 3306, "http", ""),
        ("http2", 3306, "mysql", "kubernetes.io/h2c"),
        ("http", 80, "tcp", "kubernetes.io/ws"),
        ("https", 80, "http", "kubernetes.io/wss"),
        ("grpc", 80, "http", "grpc"),
        ("tcp", 80, "http", "TCP"),
        ("auto", 80, "http", "example.com/own"),
        ("tcp", 3306, "http", "example.com/own"),
        ("auto", 80, "kubernetes.io/h2c", ""),
        ("auto", 80, "h\u00fbttp", "\x00"),
    ],
)
def test_the_protocol_is_what_istio_takes_it_for(expected, port, name, app_protocol):
    """appProtocol wins over the name, the name over the well-known number."""
    assert expected == select_protocol(port, name, "TCP", app_protocol)


def test_udp_is_udp_whatever_its_name():
    """The transport comes first."""
    assert "udp" == select_protocol(80, "http", "UDP", "http")


def test_families_do_not_overlap():
    """HTTP is not TLS; HTTP/2 is HTTP."""
    assert HTTP_FAMILY.isdisjoint(TLS_FAMILY)
    assert HTTP2_FAMILY < HTTP_FAMILY
