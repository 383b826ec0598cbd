"""The admin pages."""

import json

import pytest
from twisted.internet.testing import StringTransport
from twisted.web.resource import getChildForRequest
from twisted.web.server import UnsupportedMethod
from twisted.web.test.requesthelper import DummyRequest

from meshd.admin.pages import build_metrics_pages, build_pages, build_site


class Facts:
    """What the pages show here."""

    state = "serving"

    def status(self):
        """Give some status."""
        return {"state": self.state, "problems": [{"text": "odd"}]}

    def snapshot(self):
        """Give some snapshot."""
        return {"listeners": [], "node": {"name": "n"}}

    def config_dump(self):
        """Give some dump."""
        return {"configs": []}

    def wire(self):
        """Give some bytes."""
        return b"{}\n"

    def metrics(self):
        """Give some counts."""
        return b"istio_requests_total 1\n"


def get(root, path: str, method: bytes = b"GET") -> tuple[int, bytes, bytes]:
    """Ask for a page; give status, content type and body."""
    request = DummyRequest([part.encode() for part in path.strip("/").split("/")])
    request.method = method
    resource = getChildForRequest(root, request)
    body = resource.render(request)
    content_type = request.responseHeaders.getRawHeaders(b"content-type", [b""])[0]
    return request.responseCode or 200, content_type, body


JSON, TEXT = b"application/json", b"text/plain; charset=utf-8"


@pytest.mark.parametrize(("path", "expected"), [
    ("/status", {"state": "serving", "problems": [{"text": "odd"}]}),
    ("/problems", [{"text": "odd"}]),
    ("/config_dump", {"configs": []}),
    ("/snapshot", {"listeners": [], "node": {"name": "n"}}),
])
def test_facts_are_json(path, expected):
    """Whatever the daemon says, as it says it."""
    status, content_type, body = get(build_pages(Facts()), path)
    assert (200, JSON, expected) == (status, content_type, json.loads(body))


@pytest.mark.parametrize(("state", "expected"), [("serving", 200), ("starting", 503), ("degraded", 503), ("stopping", 503)])
def test_readiness(state, expected):
    """Only a daemon that serves is ready."""
    facts = Facts()
    facts.state = state
    assert (expected, TEXT, state.encode() + b"\n") == get(build_pages(facts), "/ready")


def test_the_snapshot_as_workers_get_it():
    """For programs of ours."""
    assert (200, b"application/octet-stream", b"{}\n") == get(build_pages(Facts()), "/snapshot.wire")


@pytest.mark.parametrize("build", [build_pages, build_metrics_pages])
def test_counts(build):
    """On both ports under the path that scrapers know."""
    expected = (200, b"text/plain; version=0.0.4; charset=utf-8", b"istio_requests_total 1\n")
    assert expected == get(build(Facts()), "/stats/prometheus")


def test_the_root_lists_the_pages():
    """One a line."""
    _, _, body = get(build_pages(Facts()), "/")
    assert {b"/status", b"/problems", b"/snapshot", b"/snapshot.wire", b"/config_dump", b"/ready", b"/stats/prometheus"} == set(body.split())


@pytest.mark.parametrize("path", ["/nothing", "/status/deeper/and/deeper/nothing", "/stats/nothing"])
@pytest.mark.filterwarnings("ignore:twisted.web.resource._UnsafeNoResource")
def test_other_pages(path):
    """Are not there, or belong to a page that ignores what follows."""
    status, _, _ = get(build_pages(Facts()), path)
    assert status == (200 if path.startswith("/status/") else 404)


@pytest.mark.filterwarnings("ignore:twisted.web.resource._UnsafeNoResource")
def test_the_prometheus_port_shows_nothing_else():
    """It may be open to the network."""
    assert 404 == get(build_metrics_pages(Facts()), "/status")[0]


def test_nothing_can_be_changed():
    """POST is refused."""
    with pytest.raises(UnsupportedMethod):
        get(build_pages(Facts()), "/status", b"POST")


def test_requests_are_not_logged():
    """Scrapers ask every few seconds."""
    site = build_site(build_pages(Facts()))
    written: list[str] = []
    site._logFile = type("Log", (), {"write": written.append})()
    site.log(DummyRequest([b"status"]))
    assert [] == written


def ask(content: bytes) -> tuple[bytes, StringTransport]:
    """Send bytes to the pages' site; give the answer, and the transport as it was left."""
    transport = StringTransport()
    protocol = build_site(build_pages(Facts())).buildProtocol(None)
    protocol.timeOut = None
    protocol.makeConnection(transport)
    for piece in (content[:-5], content[-5:]):
        protocol.dataReceived(piece)
    return transport.value(), transport


@pytest.mark.parametrize("length", [b"Content-Length: 5", b"Content-Length: 5000000000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_no_body_is_taken(method, length):
    """Anybody can send one to the Prometheus port, of any size: it must fill neither memory nor a disk."""
    answer, transport = ask(method + b" /stats/prometheus HTTP/1.1\r\nHost: a\r\n" + length + b"\r\n\r\n5\r\nabcde")
    assert (b"HTTP/1.1 413 Content Too Large", True) == (answer.split(b"\r\n")[0], transport.disconnecting)
    assert 1 == answer.count(b"HTTP/1.1")


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n"])
def test_a_request_without_a_body_is_answered(length):
    """Also when it says so."""
    answer, transport = ask(b"GET /ready HTTP/1.1\r\nHost: a\r\n" + length + b"\r\n")
    assert (b"HTTP/1.1 200 OK", False) == (answer.split(b"\r\n")[0], transport.disconnecting)
