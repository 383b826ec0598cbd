"""Network filters in Envoy's v3 JSON."""

from typing import Any

from meshd.snapshot.access_log_json import ACCESS_LOGS
from meshd.snapshot.http_connection_json import MANAGER
from meshd.snapshot.json_fields import Json, Message, Row, flag, kind_of, many, read_list, seconds, text, typed, typed_config, whole, wrapped
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy, Tunneling
from meshd.snapshot.noted_json import FieldError, Noted, settle
from meshd.snapshot.route_action_json import WEIGHTED
from meshd.snapshot.vocabulary import HARMLESS_EXTENSIONS

_NETWORK = "envoy.extensions.filters.network"
MANAGER_NAME = "envoy.filters.network.http_connection_manager"
TCP_PROXY_NAME = "envoy.filters.network.tcp_proxy"
_MANAGER = f"{_NETWORK}.http_connection_manager.v3.HttpConnectionManager"
_TCP_PROXY = f"{_NETWORK}.tcp_proxy.v3.TcpProxy"
_KINDS = {MANAGER_NAME: _MANAGER, TCP_PROXY_NAME: _TCP_PROXY}


def _read_hash(found: Any) -> bool:
    """Read what a TCP proxy's hash is of: the source address, if anything."""
    return any(policy.get("sourceIp") is not None for policy in read_list(found))


_TUNNEL = Message(Tunneling, (text("target", "hostname"), flag("use_post", "usePost", default=False)))


def _read_tunnel(found: Json) -> Tunneling:
    tunnel = _TUNNEL.read(found)
    if tunnel.use_post and isinstance(found, Noted):
        found.report.note(found.place_of(("usePost",)), "expected CONNECT, found POST", "every connection is closed")
    if not tunnel.target.isprintable() or set(tunnel.target) & set("% "):
        raise ValueError(f"expected a host and its port, found {tunnel.target!r}")
    return tunnel


TCP_PROXY = Message(
    TcpProxy,
    (
        text("stat_prefix", "statPrefix", default=""),
        text("cluster", "cluster", default=""),
        many("weighted_clusters", "weightedClusters", "clusters", message=WEIGHTED),
        seconds("idle_timeout", "idleTimeout", default=3600.0),
        wrapped("max_connect_attempts", "maxConnectAttempts", default=1),
        seconds("max_connection_duration", "maxDownstreamConnectionDuration", default=0.0),
        Row("hash_source_ip", ("hashPolicy",), lambda _hash: [{"sourceIp": {}}], _read_hash, False),
        Row("tunnel", ("tunnelingConfig",), _TUNNEL.write, whole(_read_tunnel, "Tunneling"), None),
        ACCESS_LOGS,
    ),
)
"""The network filter that forwards bytes."""


def write_network_filter(config: HttpConnectionManager | TcpProxy) -> Json:
    """Give a terminal network filter."""
    if isinstance(config, TcpProxy):
        return typed(TCP_PROXY_NAME, _TCP_PROXY, TCP_PROXY.write(config))
    return typed(MANAGER_NAME, _MANAGER, MANAGER.write(config))


def read_network_filter(found: Any) -> HttpConnectionManager | TcpProxy:
    """
    Read a terminal network filter.

    Raises:
        FieldError: If it is neither of the two, or cannot be read.
    """
    kind = _kind_of(found)
    if kind == _TCP_PROXY:
        proxy = TCP_PROXY.read(typed_config(found))
        if not proxy.cluster and not proxy.weighted_clusters:
            raise FieldError("", "expected cluster or weightedClusters")
        return proxy
    if kind == _MANAGER:
        manager = MANAGER.read(typed_config(found))
        if manager.route_config is None and not manager.route_config_name:
            raise FieldError("", "expected routeConfig or rds")
        return manager
    raise FieldError(found.place if isinstance(found, Noted) else "", f"expected {MANAGER_NAME} or {TCP_PROXY_NAME}, found {kind}")


def read_network_filters(found: Any) -> HttpConnectionManager | TcpProxy:
    """
    Read the network filters of a chain: the last one, of others those that change nothing.

    Raises:
        FieldError: If there is none, or another one: connections must not pass where something was to look at them.
    """
    filters = read_list(found)
    if not filters:
        raise FieldError("", f"expected {MANAGER_NAME} or {TCP_PROXY_NAME}, found no filter")
    for extension in filters[:-1]:
        kind = _kind_of(extension)
        if kind not in HARMLESS_EXTENSIONS:
            raise FieldError(extension.place if isinstance(extension, Noted) else "", f"expected a filter that meshd has, found {kind}")
        settle(extension)
    return read_network_filter(filters[-1])


def _kind_of(extension: Any) -> str:
    name = str(extension.get("name", "")) if isinstance(extension, dict) else ""
    return kind_of(extension, _KINDS.get(name, name))
