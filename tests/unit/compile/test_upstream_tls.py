"""TLS towards endpoints, as DestinationRules ask for it."""

import attrs
import pytest

from meshd.compile.services import read_service
from meshd.compile.upstream_tls import PARAMETERS, begin_tls
from meshd.model.traffic_policy import ClientTls
from meshd.snapshot.tls import PeerCheck, UpstreamTls
from tests.helpers.services import service
from tests.helpers.traffic import entry_service

PLAIN = read_service(service("web"), "cluster.local")
SYSTEM = PeerCheck("file-root:system")


def tls(check=SYSTEM, **more):
    """Give what is begun."""
    return UpstreamTls(server=check, parameters=PARAMETERS, **more)


@pytest.mark.parametrize(("asked", "expected"), [
    (ClientTls("DISABLE"), None), (ClientTls("ISTIO_MUTUAL"), None),
    (ClientTls("SIMPLE"), tls(auto_sni=True, auto_san=True)),
    (ClientTls("SIMPLE", sni="a"), tls(sni="a")),
    (ClientTls("SIMPLE", subject_alt_names=("a", "b")), tls(PeerCheck("file-root:system", ("a", "b")), auto_sni=True)),
    (ClientTls("SIMPLE", ca_certificates="/r", sni="a"), tls(PeerCheck("file-root:/r"), sni="a")),
    (ClientTls("SIMPLE", ca_certificates="/r", ca_crl="/l", sni="a"), tls(PeerCheck("file-root:/r", revoked="file-crl:/l"), sni="a")),
    (ClientTls("SIMPLE", insecure_skip_verify=True), tls(PeerCheck(), auto_sni=True)),
    (ClientTls("SIMPLE", credential_name="x", sni="a"), tls(PeerCheck("kubernetes://x-cacert"), sni="a")),
    (ClientTls("MUTUAL", "/c", "/k", "/r", sni="a"), tls(PeerCheck("file-root:/r"), certificate="file-cert:/c~/k", sni="a")),
    (ClientTls("MUTUAL", credential_name="x", sni="a"), tls(PeerCheck("kubernetes://x-cacert"), certificate="kubernetes://x", sni="a")),
])
def test_what_is_begun(asked, expected):
    """Roots as given, else the system's; the name asked for, else each request's."""
    assert expected == begin_tls(asked, PLAIN, "http1")


def test_protocols_and_names_of_an_entry():
    """HTTP/2 is offered where it is declared; a ServiceEntry may say whose certificate it is."""
    found = begin_tls(ClientTls("SIMPLE", sni="a"), PLAIN, "http2")
    assert ("h2",) == found.application_protocols
    entry = entry_service("e", "a.example.com", subject_alt_names=("x",))
    external = attrs.evolve(entry, external=True)
    assert ("x",) == begin_tls(ClientTls("SIMPLE", sni="a"), external, "http1").server.names
    assert ("y",) == begin_tls(ClientTls("SIMPLE", sni="a", subject_alt_names=("y",)), external, "http1").server.names
    assert () == begin_tls(ClientTls("SIMPLE", sni="a"), attrs.evolve(external, external=False), "http1").server.names
