"""Opening connections to endpoints without blocking, from a source address where the cluster asks for one."""

import errno
import os
import socket
from collections.abc import Callable

from meshd.base.addresses import format_address, is_unix
from meshd.snapshot.cluster import Keepalive

IN_PROGRESS = errno.EINPROGRESS
"""Code of a connect that has not been answered yet."""

_BIND_WITHOUT_PORT = 24  # IP_BIND_ADDRESS_NO_PORT: the port is chosen on connect, so that source ports are shared among destinations

_MOST = {socket.TCP_KEEPCNT: 127, socket.TCP_KEEPIDLE: 32767, socket.TCP_KEEPINTVL: 32767}
"""Greatest values that the kernel takes."""

Connect = Callable[[str, int, str], tuple[socket.socket | None, int]]
"""Begins to connect to an address and port from a source address, as `open_connection` does."""


def open_connection(address: str, port: int, source: str) -> tuple[socket.socket | None, int]:
    """
    Begin to connect.

    Args:
        address: IP address without brackets, or a UNIX socket.
        port: Its port.
        source: Address of the same family to connect from; empty for the kernel's choice.

    Returns:
        The socket, non-blocking and without Nagle's delay, and 0 if it is connected already (as local destinations are), or `IN_PROGRESS`.
        None and the errno where it failed at once.
    """
    if is_unix(address):
        return _open_unix(address)
    ipv6 = ":" in address
    try:
        descriptor = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    except OSError as error:  # descriptors have run out
        return None, error.errno or errno.EMFILE
    try:
        descriptor.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            _bind(descriptor, source)
        code = descriptor.connect_ex((address, port))
        if code == IN_PROGRESS and _is_connected(descriptor):
            code = 0
    except OSError as error:
        code = error.errno or errno.EINVAL
    if code not in (0, IN_PROGRESS):
        descriptor.close()
        return None, code
    return descriptor, code


def _open_unix(address: str) -> tuple[socket.socket | None, int]:
    """Connect to a UNIX socket, which succeeds or fails at once."""
    try:
        descriptor = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    except OSError as error:
        return None, error.errno or errno.EMFILE
    try:
        code = descriptor.connect_ex("\0" + address[1:] if address.startswith("@") else address)
    except (OSError, ValueError):  # its path is too long, or holds a NUL
        code = errno.EINVAL
    if code:
        descriptor.close()
        return None, code
    return descriptor, 0


def keep_alive(descriptor: socket.socket, keepalive: Keepalive) -> None:
    """Have a connection probed while it is idle; one that is not TCP needs no probes."""
    if descriptor.family == socket.AF_UNIX:
        return
    descriptor.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPCNT, keepalive.probes), (socket.TCP_KEEPIDLE, keepalive.time), (socket.TCP_KEEPINTVL, keepalive.interval)):
        if value:
            descriptor.setsockopt(socket.IPPROTO_TCP, option, min(value, _MOST[option]))


def _bind(descriptor: socket.socket, source: str) -> None:
    """Bind to a source address; its port is chosen on connect."""
    descriptor.setsockopt(socket.IPPROTO_IP, _BIND_WITHOUT_PORT, 1)
    descriptor.bind((source, 0))


def _is_connected(descriptor: socket.socket) -> bool:
    """Tell whether the handshake is over: on loopback it is by the time connect returns."""
    try:
        descriptor.getpeername()
    except OSError:
        return False
    return True


def failure_text(code: int, address: str = "") -> str:
    """
    Give UPSTREAM_TRANSPORT_FAILURE_REASON for a connect that failed, as Envoy writes it: `delayed_connect_error:_Connection_refused`.

    One to a UNIX socket fails at once, and its text names the socket.
    """
    said = os.strerror(code).replace(" ", "_")
    return f"immediate_connect_error:_{said}|remote_address:{address}" if is_unix(address) else f"delayed_connect_error:_{said}"


def local_address(descriptor: socket.socket) -> str:
    """Give a connected socket's own `address:port` as the access log writes it; empty when it cannot be told any more."""
    try:
        name = descriptor.getsockname()
    except OSError:
        return ""
    return format_address(name[0], name[1]) if isinstance(name, tuple) else str(name)  # a UNIX socket's path
