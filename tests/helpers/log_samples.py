"""Finished exchanges and connections for tests of log lines."""

from types import SimpleNamespace
from typing import cast

from meshd.codec.headers import Headers
from meshd.telemetry.logged import Logged


def named(name: str) -> SimpleNamespace:
    """Make a cluster or a route."""
    return SimpleNamespace(name=name)


def connected(destination: str, source: str, **facts: str) -> SimpleNamespace:
    """Make what is known of a downstream connection."""
    usual = {"server_name": "", "listener": "", "filter_chain": "", "number": 7}
    return SimpleNamespace(**{"destination": destination, "source": source, "tls": None, "failure": "", **usual, **facts})


def tcp(**changes: object) -> Logged:
    """Make an echo over TCP, with changes."""
    facts: dict[str, object] = {
        "request": None, "response": None, "response_trailers": None, "route": None, "cluster": named("outbound|8080||tcp.test"),
            "upstream_host": SimpleNamespace(text="10.0.0.2:9000"),
        "connection": connected("10.9.0.1:8080", "10.0.0.1:5000"), "source": "10.0.0.1:5000",
        "bytes_received": 5, "bytes_sent": 10, "path": b"", "upstream_local": "10.0.0.1:5001", "upstream_tls": None,
        "status": 0, "flags": "", "details": "", "failure": "",
        "started_wall": 1606343178.409, "duration": 0.0127, "started_at": 100.0, "completed_at": 100.0, "service_time": -1, "attempts": 1,
    }
    return cast(Logged, SimpleNamespace(**(facts | changes)))


def http(headers: tuple[tuple[bytes, bytes], ...] = (), **changes: object) -> Logged:
    """Make a request that was answered by an upstream, with further headers and changes."""
    request = SimpleNamespace(
        method=b"GET", authority=b"httpbin:8000", protocol="HTTP/1.1", refused="", scheme=b"",
        headers=Headers([(b"user-agent", b"curl/7.73.0-DEV"), (b"x-request-id", b"84961386-6d84-929d-98bd-c5aee93b5c88"), *headers]),
    )
    response = SimpleNamespace(status=418, headers=Headers([(b"content-length", b"135"), (b"x-envoy-upstream-service-time", b"4")]))
    facts: dict[str, object] = {
        "request": request, "response": response, "route": named("default"), "cluster": named("outbound|8000||httpbin.foo.svc.cluster.local"),
        "upstream_host": SimpleNamespace(text="10.44.1.27:80"), "path": b"/status/418", "status": 418, "details": "via_upstream", "bytes_received": 0,
        "bytes_sent": 135, "duration": 0.0049, "completed_at": 100.0, "service_time": 4, "upstream_local": "10.44.1.23:37652",
        "connection": connected("10.0.45.184:8000", "10.44.1.23:46520"), "source": "10.44.1.23:46520",
    }
    return tcp(**(facts | changes))


def unread() -> Logged:
    """Make a request whose head was never understood."""
    request = SimpleNamespace(method=b"", authority=b"", protocol="HTTP/1.1", refused="", scheme=b"", headers=Headers([]))
    return tcp(request=request, response=SimpleNamespace(status=400, headers=Headers([])), cluster=None, upstream_host=None, upstream_local="",
        status=400,
               flags="DPE", details="http1.codec_error", bytes_received=0, bytes_sent=11, duration=0.0001, attempts=0)


def _request(method: bytes, authority: bytes, *headers: tuple[bytes, bytes]) -> SimpleNamespace:
    added = ((b"x-forwarded-proto", b"http"), (b"x-request-id", b"84961386-6d84-929d-98bd-c5aee93b5c88"), (b"x-envoy-attempt-count", b"1"))
    return SimpleNamespace(method=method, authority=authority, protocol="HTTP/1.1", refused="", scheme=b"", headers=Headers([*headers, *added]))


def witnessed() -> dict[str, Logged]:
    """Give exchanges and a connection as a real Envoy 1.40 had them when its filters were tried."""
    here = connected("127.0.0.1:29110", "127.0.0.1:36720", listener="http", filter_chain="chain-a")
    both = {"connection": here, "source": here.source, "upstream_host": SimpleNamespace(text="127.0.0.1:29112"), "upstream_local": "127.0.0.1:33336",
            "cluster": named("outbound|80||a.test"), "duration": 0.001}
    answer = SimpleNamespace(status=200, headers=Headers([(b"content-length", b"3"), (b"x-up", b"v")]))
    grpc = SimpleNamespace(status=200, headers=Headers([(b"content-type", b"application/grpc"), (b"grpc-status", b"14"), (b"content-length", b"0")]))
    answered = both | {"route": named("default"), "status": 200, "details": "via_upstream", "bytes_sent": 3, "bytes_received": 0, "response": answer}
    return {
        "POST": http(**answered | {
            "request": _request(b"POST", b"h.test", (b"a", b"1"), (b"content-length", b"5")), "path": b"/a/path?q=1&a=5", "bytes_received": 5}),
        "slow": http(**answered | {"request": _request(b"GET", b"h.test", (b"user-agent", b"x")), "path": b"/slow", "duration": 0.03}),
        "dead": http(**both | {
            "request": _request(b"GET", b"h.test"), "path": b"/dead", "route": named("dead"), "cluster": named("dead"), "status": 503, "flags": "UF",
            "details": "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
            "failure": "delayed_connect_error: Connection refused", "upstream_host": SimpleNamespace(text="127.0.0.1:9"), "upstream_local": "",
            "bytes_sent": 98, "response": SimpleNamespace(status=503, headers=Headers([])), "service_time": -1}),
        "grpc": http(**answered | {
            "request": _request(b"POST", b"h", (b"content-type", b"application/grpc"), (b"content-length", b"0")), "path": b"/grpc", "bytes_sent": 0,
            "response": grpc}),
        "bad": http(**both | {
            "request": SimpleNamespace(method=b"", authority=b"", protocol="HTTP/1.1", refused="", scheme=b"", headers=Headers([])), "path": b"",
            "route": None,
            "cluster": None, "upstream_host": None, "upstream_local": "", "status": 400, "flags": "DPE", "details": "http1.codec_error",
            "bytes_sent": 11, "response": SimpleNamespace(status=400, headers=Headers([])), "service_time": -1, "attempts": 0}),
        "tcp": tcp(**both | {
            "connection": connected("127.0.0.1:29113", "127.0.0.1:36720", listener="tcp"), "duration": 0.522,
            "bytes_received": 3, "bytes_sent": 6}),
    }
