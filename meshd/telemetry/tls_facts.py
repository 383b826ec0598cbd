"""What is known of a connection's TLS: what was agreed on, and who the two sides are."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal, Protocol
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_URL_SAFE: Final = "-._"
"""Characters beside letters and digits that stand for themselves in a PEM text that goes into a header, as Envoy has it."""


def alternative_names(certificate: x509.Certificate) -> list[tuple[type[x509.GeneralName], str]]:
    """Give a certificate's alternative names with their kinds; none where they cannot be read."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return list(_texts(extension.value))


def _texts(names: x509.SubjectAlternativeName) -> Iterator[tuple[type[x509.GeneralName], str]]:
    for name in names:
        if isinstance(name, x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name):
            yield type(name), name.value
        elif isinstance(name, x509.IPAddress):
            yield type(name), str(name.value)


class Agreed(Protocol):
    """What TLS tells of a connection: `OpenSSL.SSL.Connection` but in tests."""

    def get_protocol_version_name(self) -> str:
        """`TLSv1.3`."""

    def get_cipher_name(self) -> str | None:
        """`TLS_AES_256_GCM_SHA384`."""

    def get_group_name(self) -> str | None:
        """`x25519`."""

    def get_peer_certificate(self, *, as_cryptography: Literal[True]) -> x509.Certificate | None:
        """The other side's."""

    def get_peer_cert_chain(self, *, as_cryptography: Literal[True]) -> list[x509.Certificate] | None:
        """What the other side has shown with it; on the side of a client the certificate itself, too."""

    def get_certificate(self, *, as_cryptography: Literal[True]) -> x509.Certificate | None:
        """Ours."""


class CertificateFacts:
    """A certificate in the words of log operators and headers."""

    __slots__ = ("certificate",)

    def __init__(self, certificate: x509.Certificate) -> None:
        """Tell of a certificate."""
        self.certificate = certificate

    @property
    def subject(self) -> str:
        """Its subject as RFC 2253 writes it."""
        return self.certificate.subject.rfc4514_string()

    @property
    def issuer(self) -> str:
        """Its issuer's name."""
        return self.certificate.issuer.rfc4514_string()

    @property
    def serial(self) -> str:
        """Its serial number in hex, whole bytes."""
        digits = f"{self.certificate.serial_number:x}"
        return f"0{digits}" if len(digits) % 2 else digits

    @property
    def fingerprint_256(self) -> str:
        """The SHA-256 of it in hex."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    @property
    def fingerprint_1(self) -> str:
        """The SHA-1 of it in hex."""
        return hashlib.sha1(self.certificate.public_bytes(Encoding.DER), usedforsecurity=False).hexdigest()

    @property
    def pem(self) -> str:
        """Its PEM text, as it stands in headers and logs."""
        return quote(self.certificate.public_bytes(Encoding.PEM).decode(), safe=_URL_SAFE)

    @property
    def first_moment(self) -> datetime:
        """When it begins to be valid."""
        return self.certificate.not_valid_before_utc

    @property
    def last_moment(self) -> datetime:
        """When it ends."""
        return self.certificate.not_valid_after_utc

    def names(self, kind: type[x509.GeneralName]) -> list[str]:
        """Give its alternative names of a kind."""
        return [name for found, name in alternative_names(self.certificate) if found is kind]


class TlsFacts:
    """
    The TLS of one connection; certificates are read when they are asked for.

    Attributes:
        version: `TLSv1.3`.
        cipher: Of the connection, by its name in OpenSSL.
        group: How keys were agreed on, by its name in OpenSSL.
        server_name: What this side asked for; empty: nothing, or it did not ask.
    """

    __slots__ = ("_agreed", "_peer", "_read", "cipher", "group", "server_name", "version")

    def __init__(self, agreed: Agreed, server_name: str = "") -> None:
        """Tell of a connection whose handshake is over."""
        self.server_name = server_name
        self._agreed = agreed
        self._peer: CertificateFacts | None = None
        self._read = False
        self.version = agreed.get_protocol_version_name()
        self.cipher = agreed.get_cipher_name() or ""
        self.group = agreed.get_group_name() or ""

    @property
    def peer(self) -> CertificateFacts | None:
        """The other side's certificate; None: it showed none."""
        if not self._read:
            self._read = True
            found = self._agreed.get_peer_certificate(as_cryptography=True)
            self._peer = None if found is None else CertificateFacts(found)
        return self._peer

    @property
    def peers(self) -> list[CertificateFacts]:
        """The other side's certificate and those that it was shown with."""
        peer = self.peer
        if peer is None:
            return []
        shown = self._agreed.get_peer_cert_chain(as_cryptography=True) or []
        return [peer, *(CertificateFacts(one) for one in shown if one != peer.certificate)]

    @property
    def own(self) -> CertificateFacts | None:
        """Our certificate; None: none was shown."""
        found = self._agreed.get_certificate(as_cryptography=True)
        return None if found is None else CertificateFacts(found)
