"""What TLS is made from; who is trusted is shown on real sockets in tests/integration."""

from types import SimpleNamespace

import pytest

from meshd.kubernetes.connection import Connection, CredentialsError, Pem, User
from meshd.kubernetes.exec_plugin import Login
from meshd.kubernetes.tls import build_tls
from tests.helpers.certificates import Authority

ROOT = Authority()
FRESH = SimpleNamespace(factory=SimpleNamespace(wrappedFactory=None))
OURS, OTHER = ROOT.issue("client"), ROOT.issue("other")
AT = User(Pem(place="u.crt"), Pem(place="u.key"))


def build(login=None, authority=ROOT.chain, **changes):
    """Make what begins TLS."""
    return build_tls(Connection("https://api.example", authority=Pem(place="ca.crt"), **changes), login or Login(), authority)


@pytest.mark.parametrize("verify", [True, False])
def test_asks_for_a_name(verify):
    """That of the server, or another one; never an address."""
    given = (("https://api.example", "", b"api.example"), ("https://x", "y.example", b"y.example"), ("https://10.0.0.1", "", None))
    for server, name, expected in given:
        connection = Connection(server, authority=Pem(place="ca.crt"), verify=verify, tls_server_name=name)
        assert expected == build_tls(connection, Login(), ROOT.chain).clientConnectionForTLS(FRESH).get_servername()


def test_shows_our_certificate():
    """With the rest of its chain."""
    connection = build(Login("", OURS.chain + ROOT.chain, OURS.key), user=AT).clientConnectionForTLS(FRESH)
    connection.get_context().check_privatekey()
    assert OURS.certificate == connection.get_certificate(as_cryptography=True)


@pytest.mark.parametrize(
    ("login", "authority", "expected"),
    [
        (Login(), "nonsense", "ca.crt: expected certificates in PEM, found something else"),
        (Login("", "nonsense", OURS.key), ROOT.chain, "u.crt: expected certificates in PEM, found something else"),
        (Login("", OURS.chain, "s3cr3t"), ROOT.chain, "u.key: expected a private key in PEM, found something else"),
        (Login("", OURS.chain, OTHER.key), ROOT.chain, "u.key: expected the private key of the certificate in u.crt, found another one"),
    ],
)
def test_says_what_is_of_no_use(login, authority, expected):
    """The file, and nothing that is in it."""
    with pytest.raises(CredentialsError) as raised:
        build(login, authority, user=AT)
    assert expected == str(raised.value)


def test_what_a_program_gave_has_no_file():
    """It is called that."""
    with pytest.raises(CredentialsError, match=r"^what the credential program gave: expected certificates in PEM, found something else$"):
        build(Login("", "nonsense", "nonsense"))
