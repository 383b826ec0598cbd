"""
The admin pages: what meshd is and does, over HTTP, on `admin.sock` and read-only on 127.0.0.1:15000.

`GET /status` is what `meshctl status` reads:

    {"version": "0.1.0", "pid": 1, "state": "starting|serving|degraded|stopping", "started": EPOCH,
     "node": {"name", "namespace", "addresses", "gateway", "origin", "ports"},
     "generation": {"number", "versions": {PART: TEXT}, "made": EPOCH, "resources": {PART: COUNT}, "rejected": [REASON], "kept": [NUMBER]},
     "workers": [{"index", "pid", "state": "new|starting|attached|detached|backoff", "serving", "wanted", "sent", "acknowledged", "nonce",
                  "pushed", "refused": null | {"number", "reasons"}, "restarts", "ended", "problems": [TEXT], "listening": {LISTENER: [ADDRESS]},
                  "status": {as the worker reports: "connections", "exchanges", "paused", "draining", "listening", "forwarded",
                             "ejected": {CLUSTER: [ADDRESS]}, "names": {NAME: [ADDRESS]}}}],
     "sources": {"documents": {OUTCOME: COUNT}, "verdicts": [{"origin", "outcome", "text"}],
                 "kubernetes": null | {"server", "state": "starting|kept|in sync|away", "away": REASON, "contact_age": SECONDS, "objects",
                                       "faults": {FAULT: COUNT}, "kinds": {KIND: {"state", "listed", "objects", "problem"}},
                                       "kept": {"file", "waiting", "problem"}}},
     "problems": [{"severity", "text", "file", "line", "resource", "field", "message", "hint", "code"}],
     "forwarding": {"state": "auto|on|off|not possible", "reason"},
     "registry": null | {"serves": {"port", "fingerprint", "problem", "registered": [{"name", "address", "health", "reason", "token", "connected":
                                    EPOCH, "since": EPOCH, "heard": SECONDS, "served"}]},
                         "follows": {"heard": SECONDS, "entries": COUNT, "problem"},
                         "joined": {"name", "heard": SECONDS, "problem", "checked", "healthy", "reason"}},
     "capture": {"wanted", "state": "off|waiting|applied|failed|removed", "backend", "problem"}}

`GET /snapshot` is what is served, in Envoy's JSON; `GET /snapshot.wire` the same in the bytes that workers get (`meshd.snapshot.wire`), which
`meshctl explain` reads. Neither holds private keys.

`wanted`, `sent` and `acknowledged` are generation numbers or null, `pushed` is bytes; all is well when `state` is `serving` and `problems`
has no error.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from meshd.telemetry.exposition import CONTENT_TYPE

JSON = b"application/json"
BYTES = b"application/octet-stream"
TEXT = b"text/plain; charset=utf-8"
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Facts(Protocol):
    """What the pages show."""

    def status(self) -> Mapping[str, Any]:
        """Give `/status`."""

    def snapshot(self) -> Mapping[str, Any]:
        """Give what is served, in Envoy's words."""

    def config_dump(self) -> Mapping[str, Any]:
        """Give the same in the frame of Envoy's own `/config_dump`."""

    def wire(self) -> bytes:
        """Give what is served as workers get it, without secrets; empty before there is anything."""

    def metrics(self) -> bytes:
        """Give the sum of all counters in Prometheus' text format."""


class Page(Resource):
    """One page that is only read."""

    isLeaf = True

    def __init__(self, content_type: bytes, render: Callable[[Request], bytes]) -> None:
        """Show what `render` gives."""
        super().__init__()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self._content_type = content_type
        self._render = render

    def render_GET(self, request: Request) -> bytes:
        """Answer; HEAD is answered by the same."""
        request.setHeader(b"content-type", self._content_type)
        request.setHeader(b"cache-control", b"no-cache")
        return self._render(request)


class BodilessRequest(Request):
    """A request that has no body: Twisted would store one of any size, beyond 100 kB in a temporary file, before it asks the page."""

    _refused = False

    def gotLength(self, length: int | None) -> None:
        """Refuse a request that announces a body; None is one of unknown length."""
        self._refused = length != 0
        super().gotLength(0)  # type: ignore[no-untyped-call]  # reason: Twisted's
        if self._refused and self.channel.transport is not None:
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        """Throw away what still comes."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer, unless that has been done."""
        if not self._refused:
            super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]  # reason: Twisted's


class QuietSite(Site):
    """A site that logs no requests: meshctl and scrapers ask often."""

    noisy = False

    def log(self, request: HttpRequest) -> None:
        """Write nothing."""


def build_pages(facts: Facts) -> Resource:
    """Give the tree of pages."""
    pages: dict[str, tuple[bytes, Callable[[Request], bytes]]] = {
        "status": (JSON, lambda request: _json(facts.status())),
        "problems": (JSON, lambda request: _json(facts.status()["problems"])),
        "snapshot": (JSON, lambda request: _json(facts.snapshot())),
        "snapshot.wire": (BYTES, lambda request: facts.wire()),
        "config_dump": (JSON, lambda request: _json(facts.config_dump())),
        "ready": (TEXT, lambda request: _ready(request, facts)),
    }
    root = Resource()
    for name, (content_type, render) in pages.items():
        root.putChild(name.encode(), Page(content_type, render))
    root.putChild(b"", Page(TEXT, lambda request: "".join(f"/{name}\n" for name in (*pages, "stats/prometheus")).encode()))
    root.putChild(b"stats", _stats(facts))
    return root


def build_metrics_pages(facts: Facts) -> Resource:
    """Give the one page of the Prometheus port, `/stats/prometheus`."""
    root = Resource()
    root.putChild(b"stats", _stats(facts))
    return root


def build_site(root: Resource) -> Site:
    """Serve pages, taking no bodies, without logging each request."""
    return QuietSite(root, requestFactory=BodilessRequest)  # type: ignore[no-untyped-call]  # reason: Twisted's


def _stats(facts: Facts) -> Resource:
    stats = Resource()
    stats.putChild(b"prometheus", Page(CONTENT_TYPE, lambda request: facts.metrics()))
    return stats


def _ready(request: Request, facts: Facts) -> bytes:
    state = str(facts.status()["state"])
    if state != "serving":
        request.setResponseCode(503)
    return f"{state}\n".encode()


def _json(found: Any) -> bytes:
    return json.dumps(found, indent=1).encode() + b"\n"
