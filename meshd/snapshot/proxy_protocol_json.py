"""The PROXY protocol in Envoy's v3 JSON: a transport socket around another one."""

from collections.abc import Callable

from meshd.snapshot.cluster import ProxyProtocol
from meshd.snapshot.json_fields import Json, kind_of, typed, typed_config
from meshd.snapshot.noted_json import FieldError

NAME = "envoy.transport_sockets.upstream_proxy_protocol"
RAW = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
KIND = "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"
_PLAIN = typed("envoy.transport_sockets.raw_buffer", RAW)


def around(version: ProxyProtocol, socket: Json | None = None) -> Json:
    """Give a socket that sends the header first, then does what another one does; None: a plain one."""
    return typed(NAME, KIND, {"config": {"version": version} if version != "V1" else {}, "transportSocket": socket or _PLAIN})


def read_version(found: Json) -> ProxyProtocol:
    """
    Read which version's header a socket sends first; empty: it sends none.

    Raises:
        FieldError: If it is of no known version.
    """
    if kind_of(found) != KIND:
        return ""
    version = typed_config(found).get("config", {}).get("version", "V1")
    if version == "V1" or version == "V2":
        return "V2" if version == "V2" else "V1"
    raise FieldError("", f"expected V1 or V2, found {version!r}")


def within(socket: Json) -> Json:
    """Give the socket that one is around, or itself."""
    if kind_of(socket) != KIND:
        return socket
    inner: Json = typed_config(socket)["transportSocket"]
    return inner


def change_within(socket: Json, change: Callable[[Json], Json]) -> Json:
    """Give a socket with the one that it is around changed, or itself."""
    if kind_of(socket) != KIND:
        return change(socket)
    return {**socket, "typedConfig": {**socket["typedConfig"], "transportSocket": change(within(socket))}}
