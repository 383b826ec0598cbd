"""Who the client is by its certificate, told to who comes behind."""

import pytest

from meshd.codec.headers import Headers
from meshd.tables.headers.client_certificates import build_certificates
from meshd.tables.headers.requests import XFCC
from meshd.telemetry.tls_facts import CertificateFacts, TlsFacts
from tests.helpers.certificates import Authority
from tests.helpers.tls_rig import Agreement

ROOT = Authority()
CLIENT = ROOT.issue("client.test", "spiffe://x/y", common="client")
SERVER = ROOT.issue("server.test", "spiffe://x/server")
HASH = CertificateFacts(CLIENT.certificate).fingerprint_256
PEM = CertificateFacts(CLIENT.certificate).pem
WITH = TlsFacts(Agreement(CLIENT.certificate, SERVER.certificate))
WITHOUT = TlsFacts(Agreement(None, SERVER.certificate))
OURS = f"By=spiffe://x/server;Hash={HASH}"
ALL = f'{OURS};Cert="{PEM}";Subject="CN=client,O=meshd";URI=spiffe://x/y;DNS=client.test'


@pytest.mark.parametrize(("kind", "tls", "expected"), [
    ("SANITIZE", WITH, None), ("ALWAYS_FORWARD_ONLY", None, "By=theirs"), ("FORWARD_ONLY", WITH, "By=theirs"), ("FORWARD_ONLY", WITHOUT, None),
    ("FORWARD_ONLY", None, None), ("SANITIZE_SET", WITH, ALL), ("SANITIZE_SET", WITHOUT, None), ("SANITIZE_SET", None, None),
    ("APPEND_FORWARD", WITH, f"By=theirs,{ALL}"), ("APPEND_FORWARD", None, None),
])
def test_what_becomes_of_the_header(kind, tls, expected):
    """Who shows no certificate may say nothing."""
    headers = Headers([(XFCC, b"By=theirs")])
    build_certificates(kind, ("uri", "dns", "subject", "cert"))(headers, tls)
    assert expected == (headers.first[XFCC].decode() if XFCC in headers.first else None)


def test_only_what_is_asked_for():
    """The hash always; a certificate without URI says so."""
    headers = Headers([])
    plain = TlsFacts(Agreement(ROOT.issue("a.test").certificate, None))
    build_certificates("SANITIZE_SET", ("uri",))(headers, plain)
    assert f"Hash={plain.peer.fingerprint_256};URI=" == headers.first[XFCC].decode()


def test_names_stay_within_their_value():
    """Whatever an authority has signed: no name begins another header, or another element of this one."""
    headers = Headers([])
    strange = TlsFacts(Agreement(ROOT.issue('d"x\\', "spiffe://x/y;By=z,URI=w", "spiffe://x\r\nevil: 1\0", common="a\r\nb").certificate, None))
    build_certificates("SANITIZE_SET", ("uri", "dns", "subject"))(headers, strange)
    told = headers.first[XFCC].decode().partition(";")[2]
    assert 'URI="spiffe://x/y;By=z,URI=w";URI=spiffe://x%0D%0Aevil: 1%00;DNS="d\\"x\\\\"' == told.partition(";")[2]
    assert 'Subject="CN=a%0D%0Ab,O=meshd"' == told.partition(";")[0]
