"""Clients and servers of TLS for tests, and what they have agreed on."""

import contextlib
import socket
from collections.abc import Sequence
from typing import Literal

from cryptography import x509
from OpenSSL import SSL

from tests.helpers.certificates import Issued
from tests.helpers.worker_rig import Rig


class Agreement:
    """What a handshake came to, without one."""

    def __init__(self, peer: x509.Certificate | None, own: x509.Certificate | None) -> None:
        """Have certificates of both sides, or not."""
        self._peer, self._own = peer, own

    def get_protocol_version_name(self) -> str:
        """Give the version."""
        return "TLSv1.3"

    def get_cipher_name(self) -> str | None:
        """Give the cipher."""
        return "TLS_AES_256_GCM_SHA384"

    def get_group_name(self) -> str | None:
        """Give the group."""
        return "x25519"

    def get_peer_certificate(self, *, as_cryptography: Literal[True]) -> x509.Certificate | None:
        """Give the other side's certificate."""
        return self._peer

    def get_peer_cert_chain(self, *, as_cryptography: Literal[True]) -> list[x509.Certificate] | None:
        """Give none."""
        return None

    def get_certificate(self, *, as_cryptography: Literal[True]) -> x509.Certificate | None:
        """Give ours."""
        return self._own


def shake(rig: Rig, tls: SSL.Connection, turns: int = 40) -> None:
    """Finish a handshake with a stream that the rig's poller drives."""
    for _ in range(turns):
        rig.pump(1)
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            continue
        rig.pump(2)
        return
    raise AssertionError("the handshake does not end")


def client_of(peer: socket.socket, *, certificate: Issued | None = None, name: str = "", protocols: Sequence[bytes] = ()) -> SSL.Connection:
    """Give a client at the other end of a stream; it takes any certificate."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if certificate is not None:
        context.use_certificate(certificate.certificate)
        context.use_privatekey(certificate.private_key)
    if protocols:
        context.set_alpn_protos(list(protocols))
    peer.setblocking(False)
    tls = SSL.Connection(context, peer)
    if name:
        tls.set_tlsext_host_name(name.encode())
    tls.set_connect_state()
    return tls


def server_of(peer: socket.socket, certificate: Issued) -> SSL.Connection:
    """Give a server at the other end of a stream."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.private_key)
    peer.setblocking(False)
    tls = SSL.Connection(context, peer)
    tls.set_accept_state()
    return tls


def taken(tls: SSL.Connection) -> bytes:
    """Read what has come; empty when nothing has, or at the end."""
    data = b""
    with contextlib.suppress(SSL.Error):
        while piece := tls.recv(16384):
            data += piece
    return data
