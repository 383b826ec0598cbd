"""The certificate of a registry: an operator's files, or one that it makes itself and that tokens carry the digest of."""

import datetime
import hashlib
import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.logger import Logger

from meshd.base.addresses import is_ip_address
from meshd.base.errors import ConfigurationError
from meshd.registry.files import write_file

CERTIFICATE, KEY = "tls.crt", "tls.key"
LIFE = datetime.timedelta(days=3650)  # it is trusted by its digest alone, and replaced by removing its files

log = Logger()


def own_certificate(directory: Path, names: Iterable[str]) -> tuple[Path, Path]:
    """
    Give the files of the certificate that a registry made itself, and of its key; they are made if they are missing.

    Args:
        directory: The registry's own.
        names: Host names and IP addresses, for who checks them.

    Raises:
        ConfigurationError: If they cannot be made.
    """
    certificate, key = directory / CERTIFICATE, directory / KEY
    if not (certificate.exists() and key.exists()):
        made = _make(list(names))
        try:
            write_file(key, made[1])
            write_file(certificate, made[0])
        except OSError as error:
            raise ConfigurationError(f"{directory}: expected a directory that can be written to: {error.strerror}") from None
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """
    Give the SHA-256 of a certificate, the first of a file, in hexadecimal digits.

    Raises:
        ConfigurationError: If there is none.
    """
    try:
        return digest_of(x509.load_pem_x509_certificates(certificate.read_bytes())[0].public_bytes(Encoding.DER))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{certificate}: expected a certificate in PEM: {getattr(error, 'strerror', None) or error}") from None


def digest_of(der: bytes) -> str:
    """Give the SHA-256 of a certificate."""
    return hashlib.sha256(der).hexdigest()


class ServerContext:
    """TLS of the server's side, from files that are read again when they have changed; what cannot be used leaves what was."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """
        Read the files.

        Raises:
            ConfigurationError: If they are of no use.
        """
        self._files = (certificate, key)
        self._stamps = self._look()
        try:
            self._context = self._read()
        except (OSError, ValueError, SSL.Error) as error:
            raise ConfigurationError(f"{certificate}, {key}: expected a certificate and its key in PEM, which cannot be used: {error!r}") from None

    def getContext(self) -> SSL.Context:
        """Give the context for another connection."""
        stamps = self._look()
        if stamps != self._stamps:
            self._stamps = stamps
            try:
                self._context = self._read()
            except (OSError, ValueError, SSL.Error) as error:
                log.error("{path}: not used, the last good version is: {error!r}", path=str(self._files[0]), error=error)
        return self._context

    def _look(self) -> list[tuple[int, int, int] | None]:
        stamps: list[tuple[int, int, int] | None] = []
        for path in self._files:
            try:
                found = os.stat(path)
            except OSError:
                stamps.append(None)
            else:
                stamps.append((found.st_ino, found.st_size, found.st_mtime_ns))
        return stamps

    def _read(self) -> SSL.Context:
        certificate, key = self._files
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.use_certificate(chain[0])
        for one in chain[1:]:
            context.add_extra_chain_cert(one)
        context.use_privatekey(private)  # type: ignore[arg-type]  # reason: kinds of keys that no TLS has fail as they should
        context.check_privatekey()
        return context


def _make(names: list[str]) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meshd registry")])
    now = datetime.datetime.now(datetime.UTC)
    known = [x509.IPAddress(ipaddress.ip_address(one)) if is_ip_address(one) else x509.DNSName(one) for one in names if one.isascii()]
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - datetime.timedelta(days=1), now + LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if known:
        builder = builder.add_extension(x509.SubjectAlternativeName(known), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
