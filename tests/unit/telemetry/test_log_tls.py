"""Operators of log formats that tell of TLS."""

import pytest

from meshd.telemetry.log_tls import TLS_OPERATORS
from meshd.telemetry.log_values import NO_VARIABLES, Surroundings
from meshd.telemetry.tls_facts import CertificateFacts, TlsFacts
from tests.helpers.certificates import Authority
from tests.helpers.log_samples import connected, tcp
from tests.helpers.tls_rig import Agreement

ROOT = Authority()
CLIENT = ROOT.issue("client.test", "other.test", "10.0.0.1", "spiffe://x/y", common="client")
SERVER = ROOT.issue("server.test")
FACTS = CertificateFacts(CLIENT.certificate)
DOWN, UP = TlsFacts(Agreement(CLIENT.certificate, SERVER.certificate)), TlsFacts(Agreement(SERVER.certificate, None), "server.test")
LINE = tcp(connection=connected("10.9.0.1:8080", "10.0.0.1:5000", tls=DOWN, failure="TLS_error:a b"), upstream_tls=UP)
PLAIN = tcp()


def value(name, argument="", line=LINE):
    """Get an operator's value."""
    get, problem = TLS_OPERATORS[name](argument, Surroundings("", NO_VARIABLES))
    found = get(line)
    return found.decode() if isinstance(found, bytes) else found, problem


@pytest.mark.parametrize(("name", "expected"), [
    ("DOWNSTREAM_TLS_VERSION", "TLSv1.3"), ("DOWNSTREAM_TLS_CIPHER", "TLS_AES_256_GCM_SHA384"), ("DOWNSTREAM_TLS_GROUP", "X25519"),
    ("DOWNSTREAM_PEER_SUBJECT", "CN=client,O=meshd"), ("DOWNSTREAM_PEER_ISSUER", "CN=root,O=meshd"), ("DOWNSTREAM_PEER_SERIAL", FACTS.serial),
    ("DOWNSTREAM_PEER_FINGERPRINT_256", FACTS.fingerprint_256), ("DOWNSTREAM_PEER_FINGERPRINT_1", FACTS.fingerprint_1),
    ("DOWNSTREAM_PEER_CHAIN_SERIALS", FACTS.serial), ("DOWNSTREAM_PEER_CERT", FACTS.pem), ("DOWNSTREAM_PEER_DNS_SAN", "client.test,other.test"),
    ("DOWNSTREAM_PEER_URI_SAN", "spiffe://x/y"), ("DOWNSTREAM_PEER_IP_SAN", "10.0.0.1"), ("DOWNSTREAM_PEER_EMAIL_SAN", None),
    ("DOWNSTREAM_LOCAL_SUBJECT", "CN=server.test,O=meshd"), ("DOWNSTREAM_LOCAL_DNS_SAN", "server.test"),
    ("DOWNSTREAM_TRANSPORT_FAILURE_REASON", "TLS_error:a_b"), ("UPSTREAM_TLS_VERSION", "TLSv1.3"), ("UPSTREAM_SERVER_NAME", "server.test"),
    ("UPSTREAM_PEER_SUBJECT", "CN=server.test,O=meshd"), ("UPSTREAM_PEER_DNS_SAN", "server.test"), ("UPSTREAM_LOCAL_DNS_SAN", None),
    ("TLS_JA3_FINGERPRINT", None),
])
def test_what_they_tell(name, expected):
    """In Envoy's words; nothing without TLS."""
    assert (expected, "") == value(name)
    assert (None, "") == value(name, line=PLAIN)


def test_moments():
    """As ISO 8601, or in a format of one's own."""
    assert (f"{FACTS.first_moment:%Y-%m-%dT%H:%M:%S}.000Z", "") == value("DOWNSTREAM_PEER_CERT_V_START")
    assert (f"{FACTS.last_moment:%Y}", "") == value("DOWNSTREAM_PEER_CERT_V_END", "%Y")
    assert None is value("UPSTREAM_PEER_CERT_V_END", line=PLAIN)[0]


def test_what_is_not_noted():
    """It is told."""
    assert (None, "meshd does not note this; it is logged as -") == value("DOWNSTREAM_TLS_SESSION_ID")
