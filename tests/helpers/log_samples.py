"""Finished exchanges and connections for tests of log lines."""

from types import SimpleNamespace
from typing import cast

from meshd.codec.headers import Headers
from meshd.telemetry.logged import Logged


def named(name: str) -> SimpleNamespace:
    """Make a cluster or a route."""
    return SimpleNamespace(name=name)


def tcp(**changes: object) -> Logged:
    """Make an echo over TCP, with changes."""
    facts: dict[str, object] = {
        "request": None, "response": None, "route": None, "cluster": named("outbound|8080||tcp.test"),
            "upstream_host": SimpleNamespace(text="10.0.0.2:9000"),
        "connection": SimpleNamespace(destination="10.9.0.1:8080", source="10.0.0.1:5000", server_name=""), "source": "10.0.0.1:5000",
        "bytes_received": 5, "bytes_sent": 10, "path": b"", "upstream_local": "10.0.0.1:5001", "status": 0, "flags": "", "details": "", "failure": "",
        "started_wall": 1606343178.409, "duration": 0.0127, "started_at": 100.0, "completed_at": 100.0, "service_time": -1, "attempts": 1,
    }
    return cast(Logged, SimpleNamespace(**(facts | changes)))


def http(headers: tuple[tuple[bytes, bytes], ...] = (), **changes: object) -> Logged:
    """Make a request that was answered by an upstream, with further headers and changes."""
    request = SimpleNamespace(
        method=b"GET", authority=b"httpbin:8000", protocol="HTTP/1.1",
        headers=Headers([(b"user-agent", b"curl/7.73.0-DEV"), (b"x-request-id", b"84961386-6d84-929d-98bd-c5aee93b5c88"), *headers]),
    )
    response = SimpleNamespace(status=418, headers=Headers([(b"content-length", b"135"), (b"x-envoy-upstream-service-time", b"4")]))
    facts: dict[str, object] = {
        "request": request, "response": response, "route": named("default"), "cluster": named("outbound|8000||httpbin.foo.svc.cluster.local"),
        "upstream_host": SimpleNamespace(text="10.44.1.27:80"), "path": b"/status/418", "status": 418, "details": "via_upstream", "bytes_received": 0,
        "bytes_sent": 135, "duration": 0.0049, "completed_at": 100.0, "service_time": 4, "upstream_local": "10.44.1.23:37652",
        "connection": SimpleNamespace(destination="10.0.45.184:8000", source="10.44.1.23:46520", server_name=""), "source": "10.44.1.23:46520",
    }
    return tcp(**(facts | changes))


def unread() -> Logged:
    """Make a request whose head was never understood."""
    request = SimpleNamespace(method=b"", authority=b"", protocol="HTTP/1.1", headers=Headers([]))
    return tcp(request=request, response=SimpleNamespace(status=400, headers=Headers([])), cluster=None, upstream_host=None, upstream_local="",
        status=400,
               flags="DPE", details="http1.codec_error", bytes_received=0, bytes_sent=11, duration=0.0001, attempts=0)
