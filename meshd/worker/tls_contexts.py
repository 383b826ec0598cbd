"""What connections with TLS are made from: certificates, roots and rules, put together once and shared by all connections that ask for them."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakValueDictionary

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from OpenSSL import SSL, crypto

from meshd.snapshot.secret import Secret, pem_blocks
from meshd.snapshot.tls import DownstreamTls, PeerCheck, TlsParameters, UpstreamTls, secrets_named
from meshd.telemetry.tls_facts import CertificateFacts, alternative_names
from meshd.worker.tls_names import matches
from meshd.worker.wire.tls_failures import Check

SPOKEN: Final = (b"http/1.1", b"http/1.0")
"""What of ALPN is agreed on: the protocols within TLS that meshd speaks."""
MUTE_OPTIONS: Final = SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_RENEGOTIATION
CIPHERS: Final = (
    *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
)
"""Envoy's, for TLS 1.2."""
VERIFY_ERRORS: Final = {
    2: "unable to get issuer certificate", 3: "unable to get certificate CRL", 7: "certificate signature failure",
    9: "certificate is not yet valid", 10: "certificate has expired",
    11: "CRL is not yet valid", 12: "CRL has expired",
    18: "self signed certificate", 19: "self signed certificate in certificate chain", 20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate", 22: "certificate chain too long", 23: "certificate revoked", 24: "invalid CA certificate",
    25: "path length constraint exceeded", 26: "unsupported certificate purpose", 27: "certificate not trusted", 28: "certificate rejected",
    79: "invalid CA certificate", 47: "permitted subtree violation", 48: "excluded subtree violation",
}
"""Why a certificate is not trusted, by OpenSSL's code, in BoringSSL's words."""
_VERSIONS: Final = {"TLSv1_3": SSL.TLS1_3_VERSION}
_SESSION_CONTEXT: Final = b"meshd"


class TlsContexts:
    """
    The contexts of a worker; each is made when the first connection asks for it, and again when a secret of its has changed.

    Clusters that differ in names only share one: with the roots of an operating system it has a megabyte, and takes ten milliseconds to make.
    """

    __slots__ = ("_clients", "_contexts", "_on_problem", "_secrets")

    def __init__(self, on_problem: Callable[[str], None]) -> None:
        """Begin with no secrets."""
        self._secrets: Mapping[str, Secret] = {}
        self._contexts: dict[DownstreamTls | UpstreamTls, tuple[tuple[Secret | None, ...], SSL.Context | None]] = {}
        self._clients: WeakValueDictionary[tuple[UpstreamTls, tuple[Secret, ...]], SSL.Context] = WeakValueDictionary()
        self._on_problem = on_problem

    def use(self, secrets: Mapping[str, Secret]) -> None:
        """Take the secrets of another snapshot; connections there are go on with what they have."""
        self._secrets = secrets
        self._contexts = {tls: made for tls, made in self._contexts.items() if made[0] == self._secrets_of(tls)}

    def server(self, tls: DownstreamTls) -> SSL.Context | None:
        """Give what a client's connection is made from; None where a certificate is missing, or of no use."""
        return self._find(tls)

    def client(self, tls: UpstreamTls) -> SSL.Context | None:
        """Give what a connection to an endpoint is made from; None as above."""
        return self._find(tls)

    def _secrets_of(self, tls: DownstreamTls | UpstreamTls) -> tuple[Secret | None, ...]:
        return tuple(map(self._secrets.get, secrets_named(tls)))

    def _find(self, tls: DownstreamTls | UpstreamTls) -> SSL.Context | None:
        made = self._contexts.get(tls)
        if made is None:
            secrets = self._secrets_of(tls)
            made = self._contexts[tls] = (secrets, self._build(tls, secrets))
        return made[1]

    def _build(self, tls: DownstreamTls | UpstreamTls, secrets: tuple[Secret | None, ...]) -> SSL.Context | None:
        found = {secret.name: secret for secret in secrets if secret is not None}
        if len(found) < len(secrets):
            return None
        try:
            return build_server(tls, found) if isinstance(tls, DownstreamTls) else self._share(_without_names(tls), found)
        except (ValueError, SSL.Error, crypto.Error) as error:
            self._on_problem(f"TLS by {', '.join(found)} cannot be served: {type(error).__name__}: {error}")
            return None


    def _share(self, tls: UpstreamTls, secrets: Mapping[str, Secret]) -> SSL.Context:
        key = (tls, tuple(secrets.values()))
        context = self._clients.get(key)
        if context is None:
            context = self._clients[key] = build_client(tls, secrets)
        return context


def _without_names(tls: UpstreamTls) -> UpstreamTls:
    """Give what a context is made from: names and pins belong to each connection (`upstream.tls.ask`)."""
    server = attrs.evolve(tls.server, names=(), prefixes=(), hashes=(), key_hashes=())
    return attrs.evolve(tls, server=server, sni="", auto_sni=False, auto_san=False)


def build_server(tls: DownstreamTls, secrets: Mapping[str, Secret]) -> SSL.Context:
    """
    Give what ends TLS.

    Raises:
        ValueError: If a secret holds something else than it should.
    """
    context = _context(SSL.TLS_SERVER_METHOD, tls.parameters)
    for name in tls.certificates:
        _show(context, secrets[name])
    context.set_session_id(_SESSION_CONTEXT)
    offered = tuple(protocol for protocol in SPOKEN if protocol.decode() in tls.application_protocols)
    if offered:
        context.set_alpn_select_callback(
            lambda _connection, asked: next((protocol for protocol in offered if protocol in asked), SSL.NO_OVERLAPPING_PROTOCOLS),
        )
    if tls.client is not None:
        mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if tls.require_client_certificate else 0)
        _trust(context, tls.client, secrets, mode)
        for block in pem_blocks(secrets[tls.client.trusted_ca].trusted_ca):
            context.add_client_ca(x509.load_pem_x509_certificate(block.encode()))
    return context


def build_client(tls: UpstreamTls, secrets: Mapping[str, Secret]) -> SSL.Context:
    """
    Give what begins TLS.

    Raises:
        ValueError: If a secret holds something else than it should.
    """
    context = _context(SSL.TLS_CLIENT_METHOD, tls.parameters)
    if tls.parameters.max_version == "TLS_AUTO":
        context.set_max_proto_version(SSL.TLS1_2_VERSION)  # Envoy's default for clients
    if tls.certificate:
        _show(context, secrets[tls.certificate])
    offered = [protocol.encode() for protocol in tls.application_protocols if protocol != "h2"]
    if offered:
        context.set_alpn_protos(offered)
    if tls.server.trusted_ca:
        _trust(context, tls.server, secrets, SSL.VERIFY_PEER)
    return context


def _context(method: int, parameters: TlsParameters) -> SSL.Context:
    """Give a context that agrees on TLS 1.2 at least, renegotiates nothing, and holds no buffers for connections that rest."""
    context = SSL.Context(method)
    context.set_min_proto_version(_VERSIONS.get(parameters.min_version, SSL.TLS1_2_VERSION))
    if parameters.max_version == "TLSv1_2":
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(MUTE_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # who comes again brings a ticket; nothing is kept for those who do not
    context.set_cipher_list(":".join(parameters.cipher_suites or CIPHERS).encode())
    return context


def _show(context: SSL.Context, secret: Secret) -> None:
    """Have a certificate and its chain shown to the other side."""
    leaf, *others = [x509.load_pem_x509_certificate(block.encode()) for block in pem_blocks(secret.certificate_chain)]
    context.use_certificate(leaf)
    for other in others:
        context.add_extra_chain_cert(other)
    context.use_privatekey(load_pem_private_key(secret.private_key.encode(), None))  # type: ignore[arg-type]  # reason: of a kind that has no use in TLS
    context.check_privatekey()


def _trust(context: SSL.Context, check: PeerCheck, secrets: Mapping[str, Secret], mode: int) -> None:
    """Have the other side's certificate checked."""
    store = context.get_cert_store()
    assert store is not None
    for block in pem_blocks(secrets[check.trusted_ca].trusted_ca):
        store.add_cert(crypto.X509.from_cryptography(x509.load_pem_x509_certificate(block.encode())))

    if check.revoked:
        for block in pem_blocks(secrets[check.revoked].revoked, "X509 CRL"):
            store.add_crl(x509.load_pem_x509_crl(block.encode()))
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)

    def verify(connection: SSL.Connection, certificate: crypto.X509, code: int, depth: int, good: int) -> bool:
        kept = connection.get_app_data()
        if not isinstance(kept, Check):
            kept = Check()
            connection.set_app_data(kept)
        if not good:
            kept.said = f"X509_verify_cert: certificate verification error at depth {depth}: {VERIFY_ERRORS.get(code, f'error {code}')}"
        elif depth == 0:
            leaf = certificate.to_cryptography()
            rules = kept.rules or check
            kept.said = misnamed(leaf, kept.name, rules) or unpinned(leaf, rules)
        return not kept.said

    context.set_verify(mode, verify)


def misnamed(certificate: x509.Certificate, name: str, check: PeerCheck) -> str:
    """Say in Envoy's words that a certificate is for other names than those that are asked for; empty where it is for one of them."""
    found = ", ".join(text for _kind, text in alternative_names(certificate))
    if name and not matches(certificate, (name,), ()):
        return f"verify SAN list, expected SANs: [{name}], certificate SANs: [{found}]"
    return "" if matches(certificate, check.names, check.prefixes) else f"SAN matcher, certificate SANs are [{found}]"


def unpinned(certificate: x509.Certificate, check: PeerCheck) -> str:
    """Say in Envoy's words that neither a certificate nor its key is one of those that are asked for; empty where one is, or none is asked for."""
    if not check.hashes and not check.key_hashes:
        return ""
    found = CertificateFacts(certificate).fingerprint_256
    key = hashlib.sha256(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return "" if found in check.hashes or base64.b64encode(key).decode() in check.key_hashes else "cert hash and spki"
