"""TLS: how it is ended for clients and begun towards endpoints; certificates are named, and stand among the secrets."""

from typing import Literal

import attrs

TlsVersion = Literal["TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"]

MUTUAL_CIPHERS = (
    *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    *("AES256-GCM-SHA384", "AES128-GCM-SHA256"),
)  # Istio pilot/pkg/security/model
IDENTITY = frozenset(("default", "ROOTCA"))
"""Secrets of the machine's own identity."""
HANDSHAKE_TIMEOUT = 15.0  # Istio's, for gateways


@attrs.frozen
class TlsParameters:
    """
    What may be agreed on.

    Attributes:
        min_version / max_version: Of TLS; `TLS_AUTO`: 1.2 and 1.3. Nothing below 1.2 is ever agreed on.
        cipher_suites: For TLS 1.2, by their names in OpenSSL; empty: those that Envoy takes.
    """

    min_version: TlsVersion = "TLS_AUTO"
    max_version: TlsVersion = "TLS_AUTO"
    cipher_suites: tuple[str, ...] = ()


MUTUAL_PARAMETERS = TlsParameters("TLSv1_2", "TLSv1_3", MUTUAL_CIPHERS)
"""Istio's, of mutual TLS within the mesh."""


@attrs.frozen
class PeerCheck:
    """
    What the certificate of the other side is held to.

    Attributes:
        trusted_ca: Name of the secret with the roots that it has to come from; empty: it is not checked.
        names: One of its alternative names has to be one of these; empty for any.
        prefixes: One of its alternative names has to begin with one of these; empty for any.
        hashes: Its SHA-256 in hex has to be one of these, or its key's one of `key_hashes`; empty for any.
        key_hashes: SHA-256 of public keys (SubjectPublicKeyInfo), in base64.
        revoked: Name of the secret with lists of revoked certificates, one of every authority on the way; empty: none is looked at.
    """

    trusted_ca: str = ""
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    key_hashes: tuple[str, ...] = ()
    revoked: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that it needs."""
        return tuple(filter(None, (self.trusted_ca, self.revoked)))


@attrs.frozen
class DownstreamTls:
    """
    End TLS with this machine's own certificate, and ask the client for its own.

    Attributes:
        application_protocols: ALPN offered, the preferred one first.
        certificates: Names of the secrets with a certificate and its key; one, or one of each kind of key.
        client: What a client's certificate is held to; None: clients are asked for none.
        require_client_certificate: A client without a certificate is refused.
        parameters: What may be agreed on.
    """

    application_protocols: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ("default",)
    client: PeerCheck | None = PeerCheck("ROOTCA")
    require_client_certificate: bool = True
    parameters: TlsParameters = TlsParameters()


@attrs.frozen
class UpstreamTls:
    """
    Speak TLS to endpoints.

    Attributes:
        application_protocols: ALPN offered.
        certificate: Name of the secret with this side's certificate and key; empty: none is shown.
        server: What a server's certificate is held to.
        sni: Server name asked for; empty: none, or each request's own.
        auto_sni: Ask for the host that a request is for.
        auto_san: The server's certificate has to be for the name that was asked for.
        parameters: What may be agreed on.
    """

    application_protocols: tuple[str, ...] = ()
    certificate: str = ""
    server: PeerCheck = PeerCheck()
    sni: str = ""
    auto_sni: bool = False
    auto_san: bool = False
    parameters: TlsParameters = TlsParameters()


def secrets_named(tls: DownstreamTls | UpstreamTls) -> tuple[str, ...]:
    """Give the names of the secrets that TLS is ended or begun with."""
    if isinstance(tls, DownstreamTls):
        return (*tls.certificates, *(tls.client.secrets if tls.client is not None else ()))
    return tuple(filter(None, (tls.certificate, *tls.server.secrets)))
