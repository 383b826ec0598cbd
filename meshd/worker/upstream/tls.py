"""TLS towards endpoints: which server name a connection asks for."""

import socket
from typing import Final

from OpenSSL import SSL

from meshd.snapshot.tls import UpstreamTls
from meshd.worker.wire.tls_failures import Check

NO_SECRET: Final = "TLS_error:Secret is not supplied by SDS"
"""What Envoy says of a connection that it has no certificate for."""


MOST_NAME: Final = 255
"""Characters of a server name (TLSEXT_MAXLEN_host_name); no certificate is for a longer one."""


def ask(context: SSL.Context, tls: UpstreamTls, descriptor: socket.socket, name: str = "") -> SSL.Connection:
    """
    Give OpenSSL's side of a connection to an endpoint.

    Args:
        context: Of the cluster.
        tls: How TLS is begun there.
        descriptor: The socket, connected or connecting.
        name: The server name that this connection is for, where the cluster names none.
    """
    made = SSL.Connection(context, descriptor)
    asked = tls.sni or name
    if asked and len(asked) <= MOST_NAME:
        made.set_tlsext_host_name(asked.encode())
    made.set_app_data(Check(asked if tls.auto_san else "", tls.server))
    made.set_connect_state()
    return made


def server_name(authority: bytes) -> str:
    """Give the server name that a request's authority stands for: its host without port, lower case."""
    host = authority.decode("latin-1")
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def asked_name(tls: SSL.Connection) -> str:
    """Give the server name that a connection asked for; empty: none."""
    return (tls.get_servername() or b"").decode()
