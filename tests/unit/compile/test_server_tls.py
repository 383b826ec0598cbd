"""How servers end TLS."""

import pytest

from meshd.compile.server_tls import end_tls
from meshd.model.server_tls import ServerTls
from meshd.snapshot.tls import PeerCheck, TlsParameters
from tests.helpers.edge import gateway, server
from tests.helpers.resources import resources_of


def server_tls(text) -> ServerTls:
    """Read TLS settings as a server has them."""
    (found,) = resources_of(gateway("edge", server(443, "HTTPS", "a.example", f"tls: {{{text}}}")))
    return found.servers[0].tls


FILES = "serverCertificate: /c, privateKey: /k"


@pytest.mark.parametrize(
    ("text", "certificates", "client", "required"),
    [
        (f"mode: SIMPLE, {FILES}", ("file-cert:/c~/k",), None, False),
        (f"mode: MUTUAL, {FILES}, caCertificates: /r", ("file-cert:/c~/k",), PeerCheck("file-root:/r"), True),
        (f"mode: MUTUAL, {FILES}, caCertificates: /r, subjectAltNames: [a]", ("file-cert:/c~/k",), PeerCheck("file-root:/r", ("a",)), True),
        (f"mode: MUTUAL, {FILES}, caCertificates: /r, caCrl: /l", ("file-cert:/c~/k",), PeerCheck("file-root:/r", revoked="file-crl:/l"), True),
        (f"mode: OPTIONAL_MUTUAL, {FILES}, caCertificates: /r", ("file-cert:/c~/k",), PeerCheck("file-root:/r"), False),
        ("mode: SIMPLE, credentialName: x", ("kubernetes://x",), None, False),
        ("mode: MUTUAL, credentialName: x", ("kubernetes://x",), PeerCheck("kubernetes://x-cacert"), True),
        ("mode: SIMPLE, credentialNames: [x, z]", ("kubernetes://x", "kubernetes://z"), None, False),
    ],
)
def test_how_tls_ends(text, certificates, client, required):
    """Secrets are called by their files or names; who must show a certificate."""
    found = end_tls(server_tls(text))
    assert (("h2", "http/1.1"), certificates, client, required) == (
        found.application_protocols, found.certificates, found.client, found.require_client_certificate,
    )


def test_what_may_be_agreed_on():
    """As the server says; Envoy's where it says nothing."""
    said = end_tls(server_tls(f"mode: SIMPLE, {FILES}, minProtocolVersion: TLSV1_3, cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]"))
    assert TlsParameters("TLSv1_3", "TLS_AUTO", ("ECDHE-RSA-AES128-GCM-SHA256",)) == said.parameters
    assert TlsParameters() == end_tls(server_tls(f"mode: SIMPLE, {FILES}")).parameters


def test_the_meshs_own_certificates():
    """ISTIO_MUTUAL: those of the machine; plain TCP in it offers Istio's protocols."""
    istio_mutual = server_tls("mode: ISTIO_MUTUAL")
    offered = [end_tls(istio_mutual, http=http).application_protocols for http in (True, False)]
    assert [("h2", "http/1.1"), ("istio-peer-exchange", "istio")] == offered
    assert () == end_tls(server_tls(f"mode: SIMPLE, {FILES}"), http=False).application_protocols
