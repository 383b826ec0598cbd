"""TLS to the API server: its certificate is checked, and ours is shown."""

from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import Certificate, CertificateOptions, TLSVersion, platformTrust, trustRootFromCertificates
from zope.interface import implementer

from meshd.base.addresses import is_ip_address
from meshd.kubernetes.connection import Connection, CredentialsError
from meshd.kubernetes.exec_plugin import Login

FAULTS: Final = {
    9: "its certificate is not valid yet; check the clocks",
    10: "its certificate has expired; renew it, or check our clock",
    18: "its certificate is signed by itself and not trusted; give its authority as certificate-authority",
    19: "its certificate comes from an authority that is not trusted; give that as certificate-authority",
    20: "its certificate comes from an authority that is not trusted; give that as certificate-authority",
    21: "its certificate comes from an authority that is not trusted; give that as certificate-authority",
}
"""What is said of a certificate by OpenSSL's code."""


@implementer(IOpenSSLClientConnectionCreator)
class ClientTls:
    """
    Begins TLS with the server.

    Attributes:
        fault: What was found wrong with its certificate last.
    """

    def __init__(self, options: CertificateOptions, name: str, verify: bool) -> None:
        """Take what connections are made from, the name that the server must have, and whether it is checked at all."""
        self.fault = ""
        self._options = options
        self._name = name
        self._verify = verify

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Give a connection that checks who is there before anything is said to it."""
        connection = self._options.clientConnectionForTLS(tlsProtocol)
        if not is_ip_address(self._name):
            connection.set_tlsext_host_name(self._name.encode("idna"))
        if self._verify:
            connection.set_verify(SSL.VERIFY_PEER, self._check)
        return connection

    def _check(self, connection: SSL.Connection, certificate: crypto.X509, code: int, depth: int, good: int) -> bool:
        """Look at a certificate of the server's chain; the last is its own, and must be for its name."""
        if not good:
            self.fault = FAULTS.get(code, f"its certificate is not trusted (OpenSSL's code {code})")
            return False
        if depth == 0:
            wanted = IPAddress_ID(self._name) if is_ip_address(self._name) else DNS_ID(self._name)
            try:
                verify_service_identity(extract_patterns(certificate), [wanted], [])
            except (VerificationError, CertificateError):
                self.fault = f"its certificate is not for {self._name}; give a name that it has as tls-server-name"
                return False
        return True


def build_tls(connection: Connection, login: Login, authority: str) -> ClientTls:
    """
    Give what begins TLS with the server.

    Args:
        connection: Says how it is checked.
        login: Has our certificate, if there is one.
        authority: Roots, PEM; empty: those of the operating system.

    Raises:
        CredentialsError: If the roots, the certificate or the key are of no use.
    """
    settings: dict[str, Any] = {"raiseMinimumTo": TLSVersion.TLSv1_2}  # what Kubernetes serves by default
    if login.certificate:
        certificate, key, others = _read_pair(login, connection)
        settings.update(privateKey=key, certificate=certificate, extraCertChain=others)
    if connection.verify and connection.authority is not None:
        roots = [Certificate.loadPEM(one.public_bytes(Encoding.PEM)) for one in _read_chain(authority, connection.authority.place)]
        settings["trustRoot"] = trustRootFromCertificates(roots)
    elif connection.verify:
        settings["trustRoot"] = platformTrust()
    return ClientTls(CertificateOptions(**settings), connection.tls_server_name or connection.host, connection.verify)


def _read_chain(text: str, place: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, x509.InvalidVersion):
        found = []
    if not found:
        raise CredentialsError(f"{place}: expected certificates in PEM, found something else")
    return found


def _read_pair(login: Login, connection: Connection) -> tuple[x509.Certificate, PrivateKeyTypes, list[x509.Certificate]]:
    """Give our certificate with its key, and the rest of its chain."""
    user = connection.user
    certificate, key = (user.certificate.place, user.key.place) if user.certificate and user.key else 2 * ("what the credential program gave",)
    chain = _read_chain(login.certificate, certificate)
    try:
        private = load_pem_private_key(login.key.encode(), None)
    except TypeError:
        raise CredentialsError(f"{key}: expected a private key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialsError(f"{key}: expected a private key in PEM, found something else") from None
    kind = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        fits = private.public_key().public_bytes(*kind) == chain[0].public_key().public_bytes(*kind)
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialsError(f"{certificate}: expected a certificate of a key that can be used, found another one") from None
    if not fits:
        raise CredentialsError(f"{key}: expected the private key of the certificate in {certificate}, found another one")
    return chain[0], private, chain[1:]
