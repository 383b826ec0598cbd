"""What connections with TLS are made from, by real handshakes."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL

from meshd.snapshot.secret import Secret
from meshd.snapshot.tls import DownstreamTls, PeerCheck, TlsParameters, UpstreamTls
from meshd.worker.tls_contexts import TlsContexts
from meshd.worker.upstream.tls import ask
from meshd.worker.wire.tls_stream import TlsStream
from tests.helpers.certificates import DAY, Authority
from tests.helpers.tls_rig import client_of, server_of, shake
from tests.helpers.worker_rig import Recorder

ROOT, OTHER = Authority("root"), Authority("other")
LEAF = ROOT.issue("a.test", "*.b.test")
REVOKED = ROOT.issue("revoked.test")
CLIENT = ROOT.issue("client.test", "spiffe://x/y")
SECRETS = {
    "c": Secret("c", LEAF.chain, LEAF.key), "d": Secret("d", CLIENT.chain, CLIENT.key), "r": Secret("r", trusted_ca=OTHER.chain + ROOT.chain),
    "l": Secret("l", revoked=ROOT.revoke(REVOKED) + OTHER.revoke()), "mixed": Secret("mixed", LEAF.chain, CLIENT.key), "empty": Secret("empty"),
}
SIMPLE = DownstreamTls(("h2", "http/1.1"), ("c",), None, False)
MUTUAL = DownstreamTls((), ("c",), PeerCheck("r"))
LISTED = DownstreamTls((), ("c",), PeerCheck("r", revoked="l"))
OPTIONAL = DownstreamTls((), ("c",), PeerCheck("r"), False)
NAMED = DownstreamTls((), ("c",), PeerCheck("r", ("spiffe://x/y",)))
PIN = hashlib.sha256(CLIENT.certificate.public_bytes(Encoding.DER)).hexdigest()
PUBLIC = CLIENT.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
KEY = base64.b64encode(hashlib.sha256(PUBLIC).digest()).decode()


def pinned(*hashes, keys=()):
    """Give how TLS is ended for certain certificates or keys."""
    return DownstreamTls((), ("c",), PeerCheck("r", hashes=hashes, key_hashes=keys))


MISNAMED = DownstreamTls((), ("c",), PeerCheck("r", ("spiffe://x/z",)))


@pytest.fixture
def contexts():
    """Give contexts and what an operator was told."""
    problems: list[str] = []
    made = TlsContexts(problems.append)
    made.use(SECRETS)
    return made, problems


def agree(rig, tls, context, peer_of):
    """Give the stream and the other side after a handshake, or what was wrong with it."""
    ours, peer = rig.pair()
    side = SSL.Connection(context, ours)
    if isinstance(tls, DownstreamTls):
        side.set_accept_state()
    else:
        side = ask(context, tls, ours)
    stream = TlsStream(rig.poller, ours, Recorder(), side)
    other = peer_of(peer)
    try:
        shake(rig, other)
        other.recv(1)
    except (SSL.Error, AssertionError):
        rig.pump()
    return stream.failure_text if stream.fd < 0 else "", side, other


@pytest.mark.parametrize(("asked", "agreed"), [
    ((b"h2", b"http/1.1"), b"http/1.1"), ((b"h2",), b""), ((b"http/1.0", b"http/1.1"), b"http/1.1"), ((), b""),
])
def test_what_is_spoken_within(rig, contexts, asked, agreed):
    """HTTP/2 is not, whatever Istio offers; without anything in common nothing is said of it."""
    _failure, side, other = agree(rig, SIMPLE, contexts[0].server(SIMPLE), lambda peer: client_of(peer, protocols=asked))
    assert (agreed, agreed) == (side.get_alpn_proto_negotiated(), other.get_alpn_proto_negotiated())


@pytest.mark.parametrize(("tls", "certificate", "failure"), [
    (MUTUAL, CLIENT, ""), (MUTUAL, None, "PEER_DID_NOT_RETURN_A_CERTIFICATE"), (OPTIONAL, None, ""), (OPTIONAL, CLIENT, ""),
    (OPTIONAL, Authority("stranger").issue("client.test"), "at depth 0: unable to get local issuer certificate"),
    (MUTUAL, ROOT.issue("late.test", life=DAY / 2), "at depth 0: certificate has expired"),
    (pinned(PIN), CLIENT, ""), (pinned("0" * 64, keys=(KEY,)), CLIENT, ""),
    (pinned("0" * 64, keys=("x",)), CLIENT, "verify cert failed: cert hash and spki"),
    (LISTED, CLIENT, ""), (LISTED, REVOKED, "at depth 0: certificate revoked"), (MUTUAL, REVOKED, ""),
    (NAMED, CLIENT, ""), (MISNAMED, CLIENT, "verify cert failed: SAN matcher, certificate SANs are [client.test, spiffe://x/y]"),
])
def test_who_is_let_in(rig, contexts, tls, certificate, failure):
    """Clients with a certificate of a trusted root that is for one of the names; where it is optional, those without as well."""
    found, _side, _other = agree(rig, tls, contexts[0].server(tls), lambda peer: client_of(peer, certificate=certificate))
    assert failure in found
    assert bool(failure) is bool(found)


def upstream(check=None, **more):
    """Give how TLS is begun."""
    return UpstreamTls(server=check or PeerCheck("r"), **more)


@pytest.mark.parametrize(("tls", "certificate", "failure"), [
    (upstream(), LEAF, ""), (upstream(PeerCheck("r", ("a.test",))), LEAF, ""),
    (upstream(PeerCheck("r", ("z.test",))), LEAF, "SAN matcher, certificate SANs are [a.test, *.b.test]"),
    (upstream(sni="a.test", auto_san=True), LEAF, ""), (upstream(sni="x.b.test", auto_san=True), LEAF, ""),
    (upstream(sni="z.test", auto_san=True), LEAF, "verify SAN list, expected SANs: [z.test], certificate SANs: [a.test, *.b.test]"),
    (upstream(PeerCheck()), Authority("stranger").issue("a.test"), ""),
    (upstream(sni="z" * 300, auto_san=True), LEAF, "verify SAN list, expected SANs: [zzz"),
    (upstream(), Authority("stranger").issue("a.test"), "unable to get local issuer certificate"), (upstream(certificate="d"), LEAF, ""),
    (upstream(), ROOT.issue("a.test", life=DAY / 2), "certificate has expired"), (upstream(), ROOT.issue("a.test", age=-DAY), "not yet valid"),
])
def test_which_servers_are_trusted(rig, contexts, tls, certificate, failure):
    """Those whose certificate is for a name that is asked for; any where nothing is checked."""
    found, _side, _other = agree(rig, tls, contexts[0].client(tls), lambda peer: server_of(peer, certificate))
    assert failure in found
    assert bool(failure) is bool(found)


@pytest.mark.parametrize(("parameters", "version"), [
    (TlsParameters(), "TLSv1.3"), (TlsParameters(max_version="TLSv1_2"), "TLSv1.2"), (TlsParameters("TLSv1_3"), "TLSv1.3"),
    (TlsParameters("TLSv1_0", cipher_suites=("ECDHE-ECDSA-AES256-GCM-SHA384",)), "TLSv1.3"),
])
def test_versions(rig, contexts, parameters, version):
    """1.3 where nothing else is said."""
    tls = DownstreamTls((), ("c",), None, False, parameters)
    _failure, side, _other = agree(rig, tls, contexts[0].server(tls), client_of)
    assert version == side.get_protocol_version_name()


def test_old_versions_are_refused(rig, contexts):
    """Nothing below 1.2 is agreed on, though a setting would allow it."""
    tls = DownstreamTls((), ("c",), None, False, TlsParameters("TLSv1_0"))

    def old(peer):
        made = client_of(peer)
        made.set_options(SSL.OP_NO_TLSv1_3 | SSL.OP_NO_TLSv1_2)
        return made

    failure, _side, _other = agree(rig, tls, contexts[0].server(tls), old)
    assert failure


def test_a_client_that_comes_again(rig, contexts):
    """It is known by its ticket: its certificate is not shown anew, and is there."""
    context = contexts[0].server(MUTUAL)
    first_peer = client_of(rig.pair()[1], certificate=CLIENT)
    shared = first_peer.get_context()

    def again(peer):
        peer.setblocking(False)
        made = SSL.Connection(shared, peer)
        made.set_connect_state()
        if sessions:
            made.set_session(sessions[0])
        return made

    sessions = []
    seen = []
    for _ in range(2):
        failure, side, other = agree(rig, MUTUAL, context, again)
        assert "" == failure
        seen.append(side.get_peer_certificate(as_cryptography=True) == CLIENT.certificate)
        sessions.append(other.get_session())
    assert [True, True] == seen


def test_a_context_is_made_once(contexts):
    """And again when one of its secrets has changed."""
    made, problems = contexts
    first = made.server(SIMPLE)
    assert first is made.server(SIMPLE)
    made.use({**SECRETS, "r": Secret("r", trusted_ca=OTHER.chain)})
    assert first is made.server(SIMPLE)
    made.use({**SECRETS, "c": Secret("c", CLIENT.chain, CLIENT.key)})
    assert first is not made.server(SIMPLE)
    assert [] == problems


def test_clusters_share_what_is_no_name(rig, contexts):
    """Each is held to its own names and pins, although their context is one; another certificate or other roots make another."""
    made, _problems = contexts
    checks = [PeerCheck("r", ("a.test",)), PeerCheck("r", ("z.test",)), PeerCheck("r", prefixes=("z",)), PeerCheck("r", hashes=("0",))]
    ways = [*(upstream(check, sni="a.test") for check in checks), upstream(sni="z.test", auto_san=True)]
    found = [agree(rig, tls, made.client(tls), lambda peer: server_of(peer, LEAF))[0] for tls in ways]
    assert [True, False, False, False, False] == [failure == "" for failure in found]
    assert 1 == len({id(made.client(tls)) for tls in ways})
    assert 3 == len({id(made.client(tls)) for tls in (ways[0], upstream(certificate="d"), upstream(PeerCheck("r", revoked="l")))})
    made.use({**SECRETS, "r": Secret("r", trusted_ca=OTHER.chain)})
    assert "unable to get local issuer" in agree(rig, ways[0], made.client(ways[0]), lambda peer: server_of(peer, LEAF))[0]


@pytest.mark.parametrize(("name", "said"), [
    ("absent", ""), ("mixed", "TLS by mixed cannot be served: "), ("empty", "TLS by empty cannot be served: "),
])
def test_what_cannot_be_served(contexts, name, said):
    """A secret that is not there yet is waited for; one of no use is told of, and never its key."""
    made, problems = contexts
    assert made.server(DownstreamTls((), (name,), None, False)) is None
    assert ([said] if said else []) == [problem[:len(said)] for problem in problems]
    assert "PRIVATE" not in str(problems)
