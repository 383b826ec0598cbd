"""Makes certificates for tests: an authority, and what it signs."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


class Issued:
    """A certificate with its key, PEM."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Keep both."""
        self.certificate = certificate
        self.private_key = key
        self.chain = certificate.public_bytes(Encoding.PEM).decode()
        self.key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def write(self, folder: Path, name: str) -> tuple[str, str]:
        """Write both to files; give their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_text(self.chain)
        key.write_text(self.key)
        return str(certificate), str(key)


class Authority(Issued):
    """Signs certificates."""

    def __init__(self, name: str = "root") -> None:
        """Make a root of its own."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(name)
        builder = _builder(subject, subject, self._key, DAY, DAY * 30)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        super().__init__(builder.sign(self._key, SHA256()), self._key)

    def issue(self, *names: str, common: str = "", age: timedelta = DAY, life: timedelta = DAY * 10) -> Issued:
        """
        Sign a certificate for DNS names, addresses and URIs.

        Args:
            names: Alternative names.
            common: Common name; by default the first of the names.
            age: Since when it has been valid.
            life: For how long after that; less than `age`: it has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(common or names[0]), self.certificate.subject, key, age, life)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        return Issued(builder.sign(self._key, SHA256()), key)

    def revoke(self, *issued: Issued) -> str:
        """Give a list of revoked certificates, PEM."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject).last_update(now - DAY).next_update(now + DAY)
        for one in issued:
            revoked = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "meshd"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        if "://" in name:
            found.append(x509.UniformResourceIdentifier(name))
        elif name.replace(".", "").isdigit():
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        else:
            found.append(x509.DNSName(name))
    return found


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, age: timedelta, life: timedelta,
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) - age
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(begin + life)
    )
