"""Certificates that resources name."""

import pytest

from meshd.compile.named_secrets import named_secrets
from meshd.model.world import World
from tests.helpers.edge import gateway, server
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import istio

FILES = "serverCertificate: /c, privateKey: /k, caCertificates: /r, caCrl: /l"
MUTUAL = "mode: MUTUAL, clientCertificate: /cc, privateKey: /ck, caCertificates: /cr, caCrl: /cl"


def named(*documents):
    """Give the names of secrets."""
    return [name for name, _origin in named_secrets(World().changed(resources_of("\n---\n".join(documents))))]


@pytest.mark.parametrize(("tls", "expected"), [
    ("mode: SIMPLE, serverCertificate: /c, privateKey: /k", ["file-cert:/c~/k"]),
    (f"mode: MUTUAL, {FILES}", ["file-cert:/c~/k", "file-root:/r"]),
    ("mode: OPTIONAL_MUTUAL, credentialName: a", ["kubernetes://a", "kubernetes://a-cacert"]),
    ("mode: ISTIO_MUTUAL", []),
    ("httpsRedirect: true", []),
])
def test_of_gateways(tls, expected):
    """Where TLS is ended by certificates of their own."""
    assert expected == [name for name in named(gateway("g", server(443, "HTTPS", "a.test", f"tls: {{{tls}}}"))) if "/l" not in name]


@pytest.mark.parametrize(("policy", "expected"), [
    (f"tls: {{{MUTUAL}}}", ["file-cert:/cc~/ck", "file-root:/cr"]),
    ("tls: {mode: SIMPLE}", []),
    ("tls: {mode: SIMPLE, caCertificates: /cr, insecureSkipVerify: true}", []),
    ("tls: {mode: ISTIO_MUTUAL}", []),
    ("portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE, credentialName: a}}]", ["kubernetes://a-cacert"]),
])
def test_of_destination_rules(policy, expected):
    """On every level, the roots of the operating system left out."""
    own = istio("DestinationRule", "d", f"host: a.test, trafficPolicy: {{{policy}}}")
    subset = istio("DestinationRule", "d", f"host: a.test, subsets: [{{name: v1, trafficPolicy: {{{policy}}}}}]")
    for rule in (own, subset):
        assert expected == [name for name in named(rule) if "/cl" not in name]
