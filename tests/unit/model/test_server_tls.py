"""Reading TLS of servers as Istio validates it."""

import pytest

from meshd.model.gateway import Gateway
from meshd.model.server_tls import Certificate, ServerTls
from tests.helpers.networking import read, wrong

SERVER = "{servers: [{port: {number: 443, name: a, protocol: HTTPS}, hosts: [a.com], tls: %s}]}"


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("{}", ServerTls("PASSTHROUGH")),
        ("{httpsRedirect: true, mode: PASSTHROUGH}", ServerTls("PASSTHROUGH", True)),
        ("{httpsRedirect: true}", ServerTls(None, True)),
        ("{mode: SIMPLE, serverCertificate: /a, privateKey: /b}", ServerTls("SIMPLE", files=(Certificate("/a", "/b"),))),
        ("{mode: SIMPLE, credentialNames: [a, b]}", ServerTls("SIMPLE", credential_names=("a", "b"))),
        ("{mode: OPTIONAL_MUTUAL, credentialName: a}", ServerTls("OPTIONAL_MUTUAL", credential_names=("a",))),
        (f"{{verifyCertificateHash: ['{':'.join(['AB'] * 32)}'], verifyCertificateSpki: [{'A' * 43}=]}}",
         ServerTls("PASSTHROUGH", certificate_hashes=("ab" * 32,), key_hashes=(f"{'A' * 43}=",))),
        ("{cipherSuites: [RC4, AES128-SHA, AES128-SHA]}", ServerTls("PASSTHROUGH", cipher_suites=("AES128-SHA",))),
    ],
)
def test_reads_tls(tls, expected):
    """Suites that nobody knows are left out; where only a redirect is asked for, no TLS is ended."""
    assert expected == read(Gateway, SERVER % tls).servers[0].tls


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("{mode: ON}", [
            "error spec.servers[0].tls.mode: expected PASSTHROUGH or SIMPLE or MUTUAL or AUTO_PASSTHROUGH or ISTIO_MUTUAL or OPTIONAL_MUTUAL, "
            "got the boolean true",
        ]),
        ("{mode: SIMPLE}", [
            "error spec.servers[0].tls.serverCertificate: expected a file in mode SIMPLE, got nothing",
            "error spec.servers[0].tls.privateKey: expected a file in mode SIMPLE, got nothing",
        ]),
        ("{mode: MUTUAL, serverCertificate: /a, privateKey: /b}", [
            "error spec.servers[0].tls.caCertificates: expected a file in mode MUTUAL, got nothing",
        ]),
        ("{mode: SIMPLE, credentialName: a, serverCertificate: /a, privateKey: /b}", [
            "error spec.servers[0].tls.serverCertificate: expected one of credentialName, credentialNames, tlsCertificates and "
            "serverCertificate, got credentialName and serverCertificate",
        ]),
        ("{mode: SIMPLE, credentialNames: [a, b, c]}", [
            "warning spec.servers[0].tls: expected at most 2 certificates, got more; the first two are used",
        ]),
        ("{mode: SIMPLE, tlsCertificates: [{serverCertificate: /a}]}", [
            "error spec.servers[0].tls.privateKey: expected a file in mode SIMPLE, got nothing",
        ]),
        ("{mode: SIMPLE, tlsCertificates: [5]}", [
            "error spec.servers[0].tls.tlsCertificates[0]: expected a mapping, got the number 5",
            "error spec.servers[0].tls.serverCertificate: expected a file in mode SIMPLE, got nothing",
            "error spec.servers[0].tls.privateKey: expected a file in mode SIMPLE, got nothing",
        ]),
        ("{mode: SIMPLE, serverCertificate: /a, privateKey: /b, caCrl: /c}", [
            "error spec.servers[0].tls.caCrl: expected none in mode SIMPLE, which asks for no client certificates, got one",
        ]),
        ("{mode: ISTIO_MUTUAL}", ["warning spec.servers[0].tls.mode: mode ISTIO_MUTUAL is not served yet and closes every connection"]),
        ("{mode: ISTIO_MUTUAL, caCertificates: /a}", [
            "warning spec.servers[0].tls.mode: mode ISTIO_MUTUAL is not served yet and closes every connection",
            "error spec.servers[0].tls.caCertificates: expected nothing in mode ISTIO_MUTUAL, whose certificates are the machine's own, got a "
            "value",
        ]),
        ("{mode: PASSTHROUGH, minProtocolVersion: TLSV1_4}", [
            "error spec.servers[0].tls.minProtocolVersion: expected TLS_AUTO or TLSV1_0 or TLSV1_1 or TLSV1_2 or TLSV1_3, got 'TLSV1_4'; did "
            "you mean TLSV1_3?",
        ]),
        ("{cipherSuites: [RC4]}", ["warning spec.servers[0].tls.cipherSuites: expected a cipher suite of BoringSSL, got 'RC4'; it is ignored"]),
        ("{cipherSuites: [AES128-SHA, AES128-SHA]}", ["warning spec.servers[0].tls.cipherSuites: expected each suite once, got AES128-SHA twice"]),
        ("{subjectAltNames: [5]}", ["error spec.servers[0].tls.subjectAltNames[0]: expected text, got the number 5; quote it"]),
        ("{httpsRedirect: 'true'}", ["error spec.servers[0].tls.httpsRedirect: expected true or false, got 'true'; remove the quotes"]),
        ("{verifyCertificateHash: [AB], verifyCertificateSpki: [eA==, '?']}", [
            "error spec.servers[0].tls.verifyCertificateHash[0]: expected a SHA-256 in hex, got 'AB'",
            "error spec.servers[0].tls.verifyCertificateSpki[0]: expected a SHA-256 in base64, got 'eA=='",
            "error spec.servers[0].tls.verifyCertificateSpki[1]: expected a SHA-256 in base64, got '?'",
        ]),
        ("{minProtocolVersion: TLSV1_1}", [
            "warning spec.servers[0].tls.minProtocolVersion: expected TLSV1_2 or TLSV1_3, got TLSV1_1; 1.2 is the least that is spoken",
        ]),
        ("{sni: a}", ["warning spec.servers[0].tls.sni: expected a known field, got sni, which is ignored"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(tls, expected):
    """Each with its field."""
    assert expected == wrong(Gateway, SERVER % tls)
