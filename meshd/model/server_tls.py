"""TLS of servers: of a Gateway's, and of a Sidecar's ingress listeners."""

import base64
from typing import Literal

import attrs

from meshd.model.checks import one_line
from meshd.model.reading import Fields

ServerTlsMode = Literal["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]
TlsVersion = Literal["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]

_MODES: tuple[ServerTlsMode, ...] = ("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL")
_VERSIONS: tuple[TlsVersion, ...] = ("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3")
MOST_CERTIFICATES = 2  # Istio: one RSA, one ECDSA
CIPHER_SUITES = frozenset((
    *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    *("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"),
    *("ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA"),
    *("ECDHE-PSK-AES128-CBC-SHA", "ECDHE-PSK-AES256-CBC-SHA", "ECDHE-PSK-CHACHA20-POLY1305", "PSK-AES128-CBC-SHA", "PSK-AES256-CBC-SHA"),
))
"""BoringSSL's, as Istio takes them (pkg/config/security)."""


@attrs.frozen
class Certificate:
    """Files of a server's certificate, its key, and the authorities that clients are checked by."""

    certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""


@attrs.frozen
class ServerTls:
    """
    TLS settings of a server.

    Attributes:
        mode: None: no TLS is ended here (`httpsRedirect` alone).
        https_redirect: Send plain requests to https.
        files: Certificates in files; one, or one of each kind of key.
        credential_names: Secrets in their place.
        ca_crl: File of revoked client certificates.
        subject_alt_names: Identities that clients may have; empty: any.
        certificate_hashes: SHA-256 of clients' certificates in hex, without colons; theirs has to be one of these, or have one of the keys.
        key_hashes: SHA-256 of clients' public keys (SubjectPublicKeyInfo), in base64.
        min_version / max_version: Of TLS.
        cipher_suites: BoringSSL's names; empty for Istio's own.
    """

    mode: ServerTlsMode | None
    https_redirect: bool = False
    files: tuple[Certificate, ...] = ()
    credential_names: tuple[str, ...] = ()
    ca_crl: str = ""
    subject_alt_names: tuple[str, ...] = ()
    min_version: TlsVersion = "TLS_AUTO"
    max_version: TlsVersion = "TLS_AUTO"
    cipher_suites: tuple[str, ...] = ()
    certificate_hashes: tuple[str, ...] = ()
    key_hashes: tuple[str, ...] = ()


def read_server_tls(fields: Fields) -> ServerTls:
    """Read TLS settings of a server."""
    named = [_read_files(item) for item in fields.items("tlsCertificates")]
    own = _read_files(fields, finish=False)
    credential = fields.text("credentialName", check=one_line)
    tls = ServerTls(
        fields.choice("mode", _MODES, "PASSTHROUGH") if "mode" in fields or "httpsRedirect" not in fields else None,
        fields.flag("httpsRedirect"), tuple(named) or ((own,) if own != Certificate() else ()),
        (credential,) if credential else fields.texts("credentialNames", check=one_line), fields.text("caCrl", check=one_line),
        fields.texts("subjectAltNames", check=one_line), fields.choice("minProtocolVersion", _VERSIONS, "TLS_AUTO"),
        fields.choice("maxProtocolVersion", _VERSIONS, "TLS_AUTO"), _read_suites(fields),
        tuple(text.replace(":", "").lower() for text in fields.texts("verifyCertificateHash", check=_hash_of_certificate)),
        fields.texts("verifyCertificateSpki", check=_hash_of_key),
    )
    if tls.mode == "ISTIO_MUTUAL":
        fields.not_served("mode", f"mode {tls.mode}", "closes every connection")
    for name in ("minProtocolVersion", "maxProtocolVersion"):
        if fields.values.get(name) in ("TLSV1_0", "TLSV1_1"):
            fields.wrong(name, f"expected TLSV1_2 or TLSV1_3, got {fields.values.get(name)}; 1.2 is the least that is spoken", severity="warning")
    fields.finish()
    return tls


def _hash_of_certificate(text: str) -> str:
    digits = text.replace(":", "").lower()
    return "" if len(digits) == 64 and not digits.strip("0123456789abcdef") else "a SHA-256 in hex"


def _hash_of_key(text: str) -> str:
    try:
        return "" if len(base64.b64decode(text, validate=True)) == 32 else "a SHA-256 in base64"
    except ValueError:
        return "a SHA-256 in base64"


def _read_files(fields: Fields, *, finish: bool = True) -> Certificate:
    certificate = Certificate(
        fields.text("serverCertificate", check=one_line), fields.text("privateKey", check=one_line), fields.text("caCertificates", check=one_line),
    )
    if finish:
        fields.finish()
    return certificate


def _read_suites(fields: Fields) -> tuple[str, ...]:
    found: list[str] = []
    for suite in fields.texts("cipherSuites"):
        if suite not in CIPHER_SUITES:
            fields.wrong("cipherSuites", f"expected a cipher suite of BoringSSL, got {suite[:40]!r}; it is ignored", severity="warning")
        elif suite in found:
            fields.wrong("cipherSuites", f"expected each suite once, got {suite} twice", severity="warning")
        else:
            found.append(suite)
    return tuple(found)
