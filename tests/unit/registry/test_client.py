"""Asking a registry; `tests/integration/test_registry.py` asks a real one."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone, ResponseFailed

from meshd.registry import client
from meshd.registry.certificate import digest_of
from meshd.registry.client import Collected, Pinned, Policy, RegistryClient, RegistryError, Trust, read_secret
from tests.helpers.certificates import Authority

AUTHORITY = Authority()
ISSUED = AUTHORITY.issue("registry.example.com", "10.0.0.1")
PIN = digest_of(ISSUED.certificate.public_bytes(Encoding.DER))


def shakes_hands(creator, *chain):
    """Have a client and a server talk in memory; tell whether they agree."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(ISSUED.certificate)
    for one in chain:
        context.add_extra_chain_cert(one.certificate)
    context.use_privatekey(ISSUED.private_key)
    server, asking = SSL.Connection(context, None), creator.clientConnectionForTLS(None)
    server.set_accept_state()
    asking.set_connect_state()
    agreed = [False, False]
    for _ in range(8):
        for index, (one, other) in enumerate(((asking, server), (server, asking))):
            try:
                one.do_handshake()
                agreed[index] = True
            except SSL.WantReadError:
                pass
            except SSL.Error:
                return False
            try:
                other.bio_write(one.bio_read(65536))
            except SSL.WantReadError:
                continue
    return all(agreed)


@pytest.mark.parametrize("chain", [(), (AUTHORITY,)])
def test_a_pin_is_one_certificate(chain):
    """Whoever signed it; another certificate of the same signer is another one, and so is the signer's."""
    root = digest_of(AUTHORITY.certificate.public_bytes(Encoding.DER))
    assert [True, False, False] == [shakes_hands(Pinned(pin), *chain) for pin in (PIN, "0" * 64, root)]


def test_the_policy_chooses_how(tmp_path):
    """The pin, an authority's file, or the system's."""
    certificate, _ = AUTHORITY.write(tmp_path, "ca")
    assert isinstance(Policy(Trust(PIN)).creatorForNetloc(b"10.0.0.1", 1), Pinned)
    for trust in (Trust(), Trust(authority=certificate)):
        assert not isinstance(Policy(trust).creatorForNetloc(b"registry.example.com", 1), Pinned)
    (tmp_path / "bad").write_text("x")
    for name in ("bad", "none"):
        with pytest.raises(RegistryError, match="expected certificates in PEM"):
            Policy(Trust(authority=str(tmp_path / name))).creatorForNetloc(b"r", 1)


@pytest.mark.parametrize(
    ("trust", "expected"),
    [(Trust(), Trust("carried")), (Trust("own"), Trust("own")), (Trust(authority="/a"), Trust("", "/a")), (Trust("own", "/a"), Trust("own", "/a"))],
)
def test_the_nodes_word_goes_before_the_tokens_pin(trust, expected):
    """What an operator wrote on this machine counts."""
    asking = RegistryClient(MemoryReactorClock(), "r", 1, "/t", trust)
    policy = asking._policy_for("carried")
    assert expected == policy._trust
    assert policy is asking._policy_for("carried")


def test_reads_secrets(tmp_path: Path):
    """And says what is wrong with a file, without quoting it."""
    path = tmp_path / "token"
    path.write_text("meshd1.ab.name.hidden\n")
    assert ("meshd1.ab.name.hidden", "ab") == read_secret(str(path))
    path.write_bytes(b"hidden\xff")
    for name in ("token", "none"):
        with pytest.raises(RegistryError) as raised:
            read_secret(str(tmp_path / name))
        assert "hidden" not in str(raised.value)


class Response:
    """An answer whose body a test plays."""

    def deliverBody(self, protocol):
        """Keep who collects."""
        self.protocol, self.transport = protocol, StringTransport()
        protocol.makeConnection(self.transport)


class CollectedTests(SynchronousTestCase):
    """Bodies of answers."""

    def setUp(self):
        """Begin."""
        self.response = Response()
        self.body = Collected.of(self.response)

    def end(self, reason):
        """End the body."""
        self.response.protocol.connectionLost(Failure(reason))

    def test_collects(self):
        """All parts."""
        for part in (b"a", b"b"):
            self.response.protocol.dataReceived(part)
        self.end(ResponseDone())
        self.assertEqual(b"ab", self.successResultOf(self.body))

    def test_half_a_body_is_none(self):
        """It fails with why."""
        self.response.protocol.dataReceived(b"a")
        self.end(ConnectionLost())
        self.failureResultOf(self.body, ConnectionLost)

    def test_a_body_that_never_ends_is_cut(self):
        """At the bound."""
        self.patch(client, "MOST_ANSWER", 3)
        self.response.protocol.dataReceived(b"abcd")
        self.assertTrue(self.response.transport.disconnected)
        self.end(ConnectionLost())
        self.failureResultOf(self.body, ConnectionLost)

    def test_giving_up_ends_the_connection(self):
        """What comes of it then is nobody's concern."""
        self.body.cancel()
        self.assertTrue(self.response.transport.disconnected)
        self.end(ConnectionLost())
        self.failureResultOf(self.body, CancelledError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ResponseFailed([Failure(SSL.Error([]))]), "its certificate is not the one that is expected, or it does not speak TLS"),
        (ValueError("x"), "expected JSON, got something else"),
        (ConnectionRefusedError("refused"), "refused"),
        (KeyError(), "KeyError"),
    ],
)
def test_says_why_there_is_no_answer(error, expected):
    """In a few words."""
    assert expected == client._text_of(error)
