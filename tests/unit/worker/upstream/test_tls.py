"""TLS towards endpoints, from the request to the log line."""

import attrs
import pytest
from OpenSSL import SSL

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.secret import Secret
from meshd.snapshot.tls import PeerCheck, TlsParameters, UpstreamTls
from meshd.worker.tcp_proxy import TcpPair
from meshd.worker.upstream.tls import server_name
from meshd.worker.wire.stream import Stream
from tests.helpers.certificates import Authority
from tests.helpers.http_rig import HttpRig
from tests.helpers.tls_rig import server_of, taken
from tests.helpers.worker_rig import CLUSTER, Recorder, downstream, received, snapshot

ROOT = Authority()
LEAF, OTHER = ROOT.issue("up.test", "x.test"), ROOT.issue("other.test")
ROOTS = Secret("r", trusted_ca=ROOT.chain)
TLS = UpstreamTls(server=PeerCheck("r"), sni="up.test", auto_san=True)
AUTO = attrs.evolve(TLS, sni="", auto_sni=True)
TLS_13 = attrs.evolve(TLS, parameters=TlsParameters("TLSv1_3", "TLSv1_3"))
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BEFORE = "upstream_reset_before_response_started"
MISNAMED = (
    "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: verify SAN list, expected SANs: [up.test], "
    "certificate SANs: [other.test]:TLS_error_end"
)


@pytest.fixture
def make():
    """Give a maker of rigs whose cluster speaks TLS."""
    made = []

    def build(tls=TLS, secrets=(ROOTS,)):
        cluster = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER, tls=tls)
        rig = HttpRig(snapshot(cluster=cluster))
        rig.resources.tls.use({secret.name: secret for secret in secrets})
        made.append(rig)
        return rig

    yield build
    for rig in made:
        rig.close()


def serve(rig, certificate=LEAF, origin=-1):
    """Agree on TLS as an origin; give the connection, or None when it came to nothing."""
    tls = server_of(rig.origins[origin], certificate)
    for _ in range(40):
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            rig.pump(1)
        except SSL.Error:
            rig.pump()
            return None
        else:
            rig.pump()
            return tls
    return None


def ask(rig, host="svc.test"):
    """Send a request as the client."""
    rig.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def answer(rig, tls):
    """Answer as an origin."""
    tls.send(ANSWER)
    rig.pump()


def test_a_request_within_tls(make):
    """It waits for the handshake; the connection is used again; the log has what was agreed on."""
    rig = make()
    ask(rig)
    tls = serve(rig)
    assert b"up.test" == tls.get_servername()
    assert taken(tls).startswith(b"GET / HTTP/1.1\r\n")
    answer(rig, tls)
    ask(rig)
    assert taken(tls).startswith(b"GET / HTTP/1.1\r\n")
    answer(rig, tls)
    assert 2 == rig.got().count(b"200 OK")
    assert 1 == len(rig.origins)
    assert [("TLSv1.2", "up.test", "CN=up.test,O=meshd")] * 2 == [
        (line.upstream_tls.version, line.upstream_tls.server_name, line.upstream_tls.peer.subject) for line in rig.lines
    ]


def test_a_certificate_for_another_name(make):
    """The request fails with Envoy's words, and the origin gets nothing of it."""
    rig = make()
    ask(rig)
    assert serve(rig, OTHER) is None
    (line,) = rig.lines
    details = f"{BEFORE}{{remote_connection_failure|{MISNAMED.replace(' ', '_')}}}"
    assert (503, "UF", details, MISNAMED) == (line.status, line.flags, line.details, line.failure)
    assert b"reset reason: remote connection failure" in rig.got()


def test_without_the_roots(make):
    """Nothing goes out, in plain text least of all."""
    rig = make(secrets=())
    ask(rig)
    (line,) = rig.lines
    assert (503, "UF", "TLS_error:Secret is not supplied by SDS") == (line.status, line.flags, line.failure)
    assert b"" == received(rig.origins[0])


def test_an_endpoint_that_speaks_plain_http(make):
    """It is told apart."""
    rig = make()
    ask(rig)
    rig.answer(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    (line,) = rig.lines
    assert (503, "UF", "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end") == (
        line.status, line.flags, line.failure)


def test_an_endpoint_that_goes_within_the_handshake(make):
    """A connect that failed."""
    rig = make()
    ask(rig)
    rig.origins[0].close()
    rig.pump()
    assert [(503, "UF")] == [(line.status, line.flags) for line in rig.lines]


def test_an_endpoint_that_says_nothing(make):
    """The handshake counts to the connect timeout."""
    rig = make()
    ask(rig)
    rig.advance(11.0)
    assert [(503, "UF", f"{BEFORE}{{connection_timeout}}")] == [(line.status, line.flags, line.details) for line in rig.lines]


def test_an_endpoint_that_breaks_tls_later(make):
    """The connection is gone, with the reason."""
    rig = make(TLS_13)
    ask(rig)
    assert serve(rig) is not None
    rig.origins[0].send(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    rig.pump()
    (line,) = rig.lines
    assert (503, "UC") == (line.status, line.flags)
    assert line.details.startswith(f"{BEFORE}{{connection_termination|TLS_error:|")


def test_each_host_has_its_own_connections(make):
    """Where the server name is the request's host; the endpoint is one all the same."""
    rig = make(attrs.evolve(AUTO, auto_san=False))
    ask(rig)
    tls = serve(rig)
    answer(rig, tls)
    ask(rig, "SVC.test:80")
    assert 2 == taken(tls).count(b"GET / HTTP/1.1\r\n")
    answer(rig, tls)
    assert (b"svc.test", 1) == (tls.get_servername(), len(rig.origins))
    cluster = rig.resources.clusters.find(CLUSTER)
    (host,) = cluster.hosts.values()
    other = host.part("other.test")
    assert (1, [], 0, other) == (len(host.part("svc.test").idle), host.idle, host.active, host.part("other.test"))
    assert other.whole is host
    host.remove()
    rig.pump(1)
    with pytest.raises(SSL.ZeroReturnError):
        tls.recv(1)


def test_a_certificate_for_the_requests_host(make):
    """It has to be."""
    rig = make(AUTO)
    ask(rig)
    assert serve(rig) is None
    assert "expected SANs: [svc.test]" in rig.lines[0].failure


def test_bytes_within_tls(make):
    """A TCP proxy agrees on TLS before it forwards."""
    rig = make()
    ours, client = rig.pair()
    pair = TcpPair(rig.resources, Stream(rig.poller, ours, Recorder()), downstream("tcp"), TcpProxy("tcp", CLUSTER), rig.lines.append, lambda _: None)
    pair.start(CLUSTER, b"early ")
    client.send(b"late")
    tls = serve(rig)
    assert b"early late" == taken(tls)
    tls.send(b"answer")
    rig.pump()
    assert b"answer" == received(client)
    pair.break_off()
    assert [("up.test", "up.test")] == [(line.upstream_tls.server_name, line.upstream_tls.peer.subject[3:10]) for line in rig.lines]


@pytest.mark.parametrize(("secrets", "certificate", "failure"), [
    ((ROOTS,), OTHER, MISNAMED), ((), LEAF, "TLS_error:Secret is not supplied by SDS"),
])
def test_bytes_that_find_no_tls(make, secrets, certificate, failure):
    """They go nowhere."""
    rig = make(secrets=secrets)
    ours, client = rig.pair()
    TcpPair(
        rig.resources, Stream(rig.poller, ours, Recorder()), downstream("tcp"), TcpProxy("tcp", CLUSTER), rig.lines.append, lambda _: None,
    ).start(CLUSTER, b"secret")
    if secrets:
        assert serve(rig, certificate) is None
    assert [("UF,URX", failure)] == [(line.flags, line.failure) for line in rig.lines]
    client.close()


@pytest.mark.parametrize(("authority", "expected"), [
    (b"a.test", "a.test"), (b"A.Test:443", "a.test"), (b"[fd00::1]:443", "fd00::1"), (b"10.0.0.1:1", "10.0.0.1"), (b"", ""),
])
def test_the_server_name_of_a_request(authority, expected):
    """Its host, without port."""
    assert expected == server_name(authority)
