"""The webhook's own certificate authority: made, renewed in time, and what it signs."""

import base64
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshd.base.addresses import is_ip_address
from meshd.base.errors import MeshError

NAME = "meshd webhook"
AUTHORITY_LIFE = timedelta(days=3650)
AUTHORITY_REST = timedelta(days=365)
"""What must be left of an authority's life; with less it is renewed, and the old one is believed until its end."""
LEAF_LIFE = timedelta(days=90)
LEAF_REST = timedelta(days=30)
SKEW = timedelta(minutes=5)  # that clocks of machines may differ by
MAX_BUNDLE = 64 * 1024  # bytes; a certificate has less than one thousand


class AuthorityError(MeshError):
    """An authority that cannot be used."""


@attrs.frozen(repr=False)
class Leaf:
    """
    A server's certificate.

    Attributes:
        chain: PEM.
        key: PEM.
        ends: When it is of no more use.
    """

    chain: str
    key: str
    ends: datetime


@attrs.frozen(repr=False)
class Authority:
    """
    Who signs.

    Attributes:
        bundle: Its certificate, PEM, and behind it those of the ones before it, which are still believed.
        key: PEM.
    """

    bundle: str
    key: str

    @property
    def ca_bundle(self) -> str:
        """Give the bundle as webhook configurations have it."""
        return base64.b64encode(self.bundle.encode()).decode()

    def ends(self) -> datetime:
        """Tell when it is of no more use."""
        return self._certificates()[0].not_valid_after_utc

    def check(self) -> None:
        """
        Make sure that it can sign.

        Raises:
            AuthorityError: If it cannot.
        """
        certificate, key = self._certificates()[0], self._private_key()
        if certificate.public_key() != key.public_key():
            raise AuthorityError("expected the key of the first certificate, got another one")

    def issue(self, names: Sequence[str], now: datetime) -> Leaf:
        """
        Sign a certificate for DNS names and addresses, with a new key.

        Raises:
            AuthorityError: If the authority cannot be used.
        """
        own, key = self._certificates()[0], ec.generate_private_key(ec.SECP256R1())
        ends = min(now + LEAF_LIFE, own.not_valid_after_utc)
        alternatives = [x509.IPAddress(ipaddress.ip_address(name)) if is_ip_address(name) else x509.DNSName(name) for name in names]
        builder = _builder(_name(NAME), own.subject, key.public_key(), now, ends)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        private = self._private_key()
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False)
        return Leaf(_pem(builder.sign(private, SHA256())), _key_pem(key), ends)

    def renewed(self, now: datetime) -> "Authority":
        """Give a new authority that has this one behind it; those before it are left out when their time has come."""
        kept = [_pem(one) for one in self._certificates() if one.not_valid_after_utc > now]
        fresh = make_authority(now)
        return Authority("".join((fresh.bundle, *kept)), fresh.key)

    def _certificates(self) -> list[x509.Certificate]:
        if len(self.bundle) > MAX_BUNDLE:
            raise AuthorityError(f"expected certificates of at most {MAX_BUNDLE} bytes, got more")
        try:
            return x509.load_pem_x509_certificates(self.bundle.encode())
        except ValueError:
            raise AuthorityError("expected certificates in PEM, got something else") from None

    def _private_key(self) -> ec.EllipticCurvePrivateKey:
        try:
            key = load_pem_private_key(self.key.encode(), None)
        except (ValueError, TypeError):
            raise AuthorityError("expected a private key in PEM, got something else") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError("expected a key of an elliptic curve, got another one")
        return key


def make_authority(now: datetime) -> Authority:
    """Make an authority that signs for servers only."""
    key = ec.generate_private_key(ec.SECP256R1())
    # reason: two authorities of one name in a bundle are told apart by their keys, which not every reader looks at
    subject = _name(f"{NAME} {now:%Y-%m-%d}")
    builder = _builder(subject, subject, key.public_key(), now, now + AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    usage = x509.KeyUsage(False, False, False, False, False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    builder = builder.add_extension(usage, critical=True)
    return Authority(_pem(builder.sign(key, SHA256())), _key_pem(key))


def wall_time(seconds: float) -> datetime:
    """Give a moment in seconds since 1970 as certificates have it."""
    return datetime.fromtimestamp(seconds, UTC)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, ends: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - SKEW).not_valid_after(ends)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
