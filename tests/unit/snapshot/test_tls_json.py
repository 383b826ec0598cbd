"""TLS in Envoy's JSON."""

import json

import pytest

from meshd.snapshot.noted_json import FieldError, Report, note
from meshd.snapshot.tls import MUTUAL_PARAMETERS, DownstreamTls, PeerCheck, TlsParameters, UpstreamTls
from meshd.snapshot.tls_json import read_downstream, read_upstream, with_files, write_downstream, write_upstream

FILES = "file-cert:/c~/k"
DOWNSTREAM = [
    DownstreamTls(("h2", "http/1.1"), (FILES,), None, False),
    DownstreamTls((), (FILES, "file-cert:/d~/l"), PeerCheck("file-root:/r"), True, TlsParameters("TLSv1_3", "TLSv1_3")),
    DownstreamTls((), (FILES,), PeerCheck("file-root:/r", ("a", "b"), ("spiffe://x/",)), False, MUTUAL_PARAMETERS),
    DownstreamTls((), (FILES,), PeerCheck("file-root:/r", hashes=("ab" * 32,), key_hashes=("eA==",), revoked="file-crl:/l"), False),
]
UPSTREAM = [
    UpstreamTls(),
    UpstreamTls(("h2",), FILES, PeerCheck("file-root:/r", ("a",)), "a.test", parameters=TlsParameters(cipher_suites=("X",))),
]


@pytest.mark.parametrize("tls", DOWNSTREAM)
def test_what_is_ended(tls):
    """It is read as it was written; with files in the place of names it says the same."""
    written = write_downstream(tls)
    assert tls == read_downstream(written)
    exported = with_files(written, "/creds", "/roots")
    assert "sds" not in json.dumps(exported)
    assert tls == read_downstream(exported)


@pytest.mark.parametrize("tls", UPSTREAM)
def test_what_is_begun(tls):
    """As above; without roots nothing is checked."""
    written = write_upstream(tls)
    assert tls == read_upstream(written)
    assert tls == read_upstream(with_files(written, "/creds", "/roots"))


def test_credentials_lie_in_their_folder_and_roots_where_the_system_has_them():
    """An Envoy without an agent reads them there."""
    tls = DownstreamTls((), ("kubernetes://x",), PeerCheck("kubernetes://x-cacert"))
    assert DownstreamTls((), ("file-cert:/creds/x/tls.crt~/creds/x/tls.key",), PeerCheck("file-root:/creds/x/ca.crt")) == read_downstream(
        with_files(write_downstream(tls), "/creds", "/roots"))
    assert PeerCheck("file-root:/roots") == read_upstream(
        with_files(write_upstream(UpstreamTls(server=PeerCheck("file-root:system"))), "/creds", "/roots")).server


def test_plain_sockets_are_none():
    """RawBuffer says that nothing is encrypted."""
    raw = {"name": "x", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}
    assert (None, None) == (read_downstream(raw), read_upstream(raw))


def test_names_of_any_kind():
    """Typed names count as those without a type."""
    written = write_downstream(DOWNSTREAM[1])
    context = written["typedConfig"]["commonTlsContext"]["combinedValidationContext"]["defaultValidationContext"]
    context["matchTypedSubjectAltNames"] = [{"sanType": "DNS", "matcher": {"exact": "a"}}]
    assert ("a",) == read_downstream(written).client.names


@pytest.mark.parametrize(("change", "said"), [
    ({"tlsCertificates": [{"certificateChain": {"inlineString": "x"}, "privateKey": {"filename": "/k"}}]},
     "expected the name of a file as certificateChain"),
    ({}, "expected a certificate with its key in files, or by name, found none"),
    ({"tlsCertificates": [{"certificateChain": {"filename": "/c"}, "privateKey": {"filename": "/k"}}],
      "validationContext": {"matchSubjectAltNames": [{"suffix": "x"}]}}, "expected names of certificates as exact or prefix, found another way"),
    ({"tlsCertificates": [{"certificateChain": {"filename": "/c"}, "privateKey": {"filename": "/k"}}],
      "validationContext": {"matchSubjectAltNames": [{"exact": "x"}]}}, "expected trustedCa beside what a certificate is held to, found none"),
])
def test_what_cannot_be_read(change, said):
    """Nothing is served by half of it."""
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    with pytest.raises(FieldError, match=said):
        read_downstream({"name": "tls", "typedConfig": {"@type": kind, "commonTlsContext": change}})


def test_clients_that_need_a_certificate_of_nobody():
    """Which of them would be let in is not said; those that need none are asked for none."""
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    context = {"tlsCertificates": [{"certificateChain": {"filename": "/c"}, "privateKey": {"filename": "/k"}}], "validationContext": {}}
    config = {"@type": kind, "commonTlsContext": context}
    assert read_downstream({"name": "tls", "typedConfig": config}).client is None
    with pytest.raises(FieldError, match="expected trustedCa where clients need a certificate"):
        read_downstream({"name": "tls", "typedConfig": {**config, "requireClientCertificate": True}})


def test_another_socket():
    """It would not be TLS."""
    with pytest.raises(FieldError, match=r"expected a plain socket or TLS, found x\.Y"):
        read_downstream({"name": "x", "typedConfig": {"@type": "type.googleapis.com/x.Y"}})


def test_what_is_not_known_of_a_file_is_told():
    """Each field that nobody reads."""
    report = Report("f")
    written = write_upstream(UPSTREAM[1])
    written["typedConfig"]["enforceRsaKeyUsage"] = True
    read_upstream(note(written, "socket", report))
    assert ["socket.typedConfig.enforceRsaKeyUsage"] == [problem.field for problem in report.problems]
