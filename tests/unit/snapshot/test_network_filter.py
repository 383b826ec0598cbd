"""Network filters as values."""

from meshd.snapshot.http_filter import Router
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager, TcpProxy


def test_a_connection_manager_is_set_as_istio_sets_it():
    """No limit on an idle stream, requests have ids, 100-continue is forwarded, websockets are allowed, the peer is not the client."""
    found = HttpConnectionManager("s")
    assert (0.0, True, True, ("websocket",), False, "BASE", "SANITIZE") == (
        found.stream_idle_timeout, found.generate_request_id, found.proxy_100_continue, found.upgrades, found.use_remote_address,
        found.path_normalization, found.forward_client_cert_details,
    )
    assert (Router(),) == found.http_filters


def test_limits_of_heads_are_envoys():
    """60 KiB and 100 lines; an idle connection is closed after an hour."""
    found = HttpConnectionManager("s")
    assert (60, 100, 3600.0, False) == (found.max_request_headers_kb, found.max_headers, found.idle_timeout, found.accept_http_10)


def test_a_tcp_proxy_tries_once_and_waits_an_hour():
    """Envoy's defaults."""
    assert (1, 3600.0) == (TcpProxy("s").max_connect_attempts, TcpProxy("s").idle_timeout)


def test_a_log_is_text_in_istios_format_unless_told_otherwise():
    """An empty format stands for the default."""
    assert ("", False, "") == (AccessLog("/a").format, AccessLog("/a").json, AccessLog("/a").json_format)
