"""Tests of the writing half of a client's connection: what is written together, and how bodies are framed."""

import pytest

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.network_filter import HttpConnectionManager
from tests.helpers.http_rig import REQUEST, HttpRig
from tests.helpers.worker_rig import CLUSTER, snapshot


@pytest.fixture
def make(rigs):
    """Give a maker of rigs by settings of the connection manager."""
    def build(**settings):
        return rigs(snapshot(manager=HttpConnectionManager("http", "80", **settings)))

    return build


def test_what_comes_together_is_written_together(make):
    """A head with its body is one write to the client."""
    rig, written = make(), []
    stream = rig.server._stream
    plain = stream._send
    stream._send = lambda data: (written.append(data), plain(data))[1]
    rig.send(REQUEST)
    written.clear()
    rig.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    assert [True] == [data.endswith(b"\r\n\r\n2\r\nok\r\n0\r\n\r\n") for data in written if data.startswith(b"HTTP/1.1 200")]


@pytest.mark.parametrize(("version", "more", "framing", "said"), [
    (b"1.1", b"", b"2\r\nok\r\n0\r\n\r\n", b"transfer-encoding: chunked"),
    (b"1.0", b"", b"ok", b"connection: close"),
    (b"1.0", b"Connection: keep-alive\r\n", b"ok", b"connection: close"),
])
def test_a_body_of_unknown_length(make, version, more, framing, said):
    """In chunks, or until the end of the connection for who does not know them."""
    rig = make(accept_http_10=True)
    rig.send(b"GET / HTTP/%b\r\nHost: svc.test\r\n%b\r\n" % (version, more))
    rig.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    got = rig.got()
    assert (True, True) == (got.endswith(b"\r\n" + said + b"\r\n\r\n" + framing), got.startswith(b"HTTP/%b 200 OK" % version))


@pytest.mark.parametrize(("version", "sent"), [(b"1.1", True), (b"1.0", False)])
def test_informational_answers_are_for_http_11(make, version, sent):
    """An older client would take one for the answer, and the answer for the next."""
    rig = make(accept_http_10=True)
    rig.send(b"GET / HTTP/%b\r\nHost: svc.test\r\nConnection: keep-alive\r\n\r\n" % version)
    rig.answer(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    got = rig.got()
    assert (sent, True) == (b" 103 " in got, got.endswith(b"\r\n\r\nok"))


def test_settings_may_change(make):
    """The next answer is written by the newest ones."""
    rig, other = make(), make(server_name="istio-envoy")
    rig.server.write_as(other.server._table)
    rig.send(REQUEST.replace(b"svc.test", b"unknown.test"))
    assert b"\r\nserver: istio-envoy\r\n" in rig.got()


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\nHost: b\r\n\r\n"


@pytest.mark.parametrize(("listener", "cluster", "there", "back"), [
    (False, False, False, False), (True, False, False, False), (False, True, False, False), (True, True, True, True),
])
def test_trailers_pass_where_both_sides_want_them(listener, cluster, there, back):
    """
    Elsewhere they are dropped (B.trailers-enabled, B.trailers-enabled-answer); another exchange has none of them.

    The log has what the upstream's side reads.
    """
    upstream = Cluster(CLUSTER, "EDS", service_name=CLUSTER, enable_trailers=cluster)
    rig = HttpRig(snapshot(manager=HttpConnectionManager("http", "80", enable_trailers=listener), cluster=upstream))
    ends = [b"0\r\nx-t: 1\r\n\r\n" if passed else b"0\r\n\r\n" for passed in (there, back)]
    rig.send(b"POST / HTTP/1.1\r\nHost: svc.test\r\n" + CHUNKED)
    asked = rig.asked()
    rig.answer(b"HTTP/1.1 200 OK\r\n" + CHUNKED)
    got = rig.got()
    rig.send(b"POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    again = rig.asked()
    rig.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert (True, True) == (asked.endswith(b"\r\n\r\n2\r\nok\r\n" + ends[0]), got.endswith(b"\r\n\r\n2\r\nok\r\n" + ends[1]))
    assert (True, True) == (again.endswith(b"\r\n\r\n0\r\n\r\n"), rig.got().endswith(b"\r\n\r\n0\r\n\r\n"))
    assert [[(b"x-t", b"1")] if cluster else None, None] == [line.response_trailers for line in rig.lines]
    rig.close()
