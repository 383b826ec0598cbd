"""What is known of a connection's TLS."""

from cryptography import x509

from meshd.telemetry.tls_facts import CertificateFacts, TlsFacts, alternative_names
from tests.helpers.certificates import Authority
from tests.helpers.tls_rig import Agreement

ROOT = Authority()
CLIENT = ROOT.issue("client.test", "10.0.0.1", "spiffe://x/y", common="client")


def test_what_was_agreed_on():
    """The certificates of both sides are there once they are asked for; a side may have none."""
    found = TlsFacts(Agreement(CLIENT.certificate, None))
    assert ("TLSv1.3", "TLS_AES_256_GCM_SHA384", None) == (found.version, found.cipher, found.own)
    assert found.peer is found.peer
    assert found.peer.certificate == CLIENT.certificate
    assert TlsFacts(Agreement(None, CLIENT.certificate)).peer is None


def test_names_with_their_kinds():
    """In the certificate's order; one that says none has none, as its common name does not count."""
    found = [(x509.DNSName, "client.test"), (x509.IPAddress, "10.0.0.1"), (x509.UniformResourceIdentifier, "spiffe://x/y")]
    assert found == alternative_names(CLIENT.certificate)
    assert [] == alternative_names(ROOT.certificate)


def test_a_certificate_in_words():
    """As log operators and headers have it."""
    found = CertificateFacts(CLIENT.certificate)
    assert ("CN=client,O=meshd", "CN=root,O=meshd") == (found.subject, found.issuer)
    assert (64, 40) == (len(found.fingerprint_256), len(found.fingerprint_1))
    assert int(found.serial, 16) == CLIENT.certificate.serial_number
    assert found.pem.startswith("-----BEGIN%20CERTIFICATE-----%0A")
    assert found.first_moment < found.last_moment
    assert ["client.test"] == found.names(x509.DNSName)
    assert ["10.0.0.1"] == found.names(x509.IPAddress)
    assert ["spiffe://x/y"] == found.names(x509.UniformResourceIdentifier)
    assert [] == CertificateFacts(ROOT.certificate).names(x509.DNSName)
