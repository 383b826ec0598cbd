"""
A registry over HTTPS; every request has `Authorization: Bearer TOKEN`, and every answer is JSON.

`PUT /v1/workloads` takes a statement (`meshd.registry.statement`) of a machine that joins, is still there, has changed, or leaves:

    200 {"name": ENTRY, "grace": SECONDS, "probe": {as a WorkloadGroup has it} | null, "left_out": [LABEL]}

`GET /v1/entries?run=RUN&after=VERSION&wait=SECONDS` tells of the entries, at once or as soon as something changes after that version of that run:

    200 {"run": RUN, "version": VERSION, "whole": BOOLEAN, "grace": SECONDS, "entries": {"NAMESPACE/NAME": WORKLOADENTRY | null}}

What is refused has another status and `{"error": TEXT}`.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from meshd.model.workload_group import WorkloadGroup
from meshd.registry.bounds import BoundedRequest, Rates
from meshd.registry.entries import probe_json, taken_labels
from meshd.registry.registrations import Refusal, Registrations
from meshd.registry.statement import Json, Statement, StatementError, read_statement
from meshd.registry.tokens import Token, TokenFile

LONGEST_WAIT = 60.0  # seconds that a follower may wait for a change
GATHER = 0.02  # seconds that changes gather before those who wait are told
IDLE = 60.0  # seconds that a connection may be silent
JSON = b"application/json"


class RegistryPages(Resource):
    """The registry's two pages."""

    isLeaf = True

    def __init__(self, clock: IReactorTime, registrations: Registrations, tokens: TokenFile) -> None:
        """Take what is registered, and who may ask."""
        super().__init__()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self.run = secrets.token_hex(8)
        self._clock = clock
        self._registrations = registrations
        self._tokens = tokens
        self._rates = Rates(clock.seconds)
        self._waiting: dict[Request, tuple[int, IDelayedCall]] = {}
        self._telling: IDelayedCall | None = None
        self._written: dict[int, bytes] = {}  # answers to who knows a version; those who wait know the same one mostly
        self._written_at = -1

    def render(self, request: Request) -> Any:
        """Answer a request; whatever its method."""
        peer = str(getattr(request.getClientAddress(), "host", ""))
        if not self._rates.take(peer):
            return _answer(request, 429, {"error": "there are too many requests from your address"})
        token = self._tokens.find(_bearer(request))
        if token is None:
            return _answer(request, 401, {"error": "expected a token of this registry that has neither expired nor been revoked"})
        page = (request.method, request.path)
        if page == (b"PUT", b"/v1/workloads"):
            return self._put(request, token, peer)
        if page == (b"GET", b"/v1/entries"):
            return self._get(request)
        return _answer(request, 404, {"error": "there is no such page"})

    def changed(self) -> None:
        """Something has changed: tell those who wait."""
        if self._telling is None and self._waiting:
            self._telling = self._clock.callLater(GATHER, self._tell)

    def stop(self) -> None:
        """Answer those who wait, and be silent."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        self._tell()

    def _put(self, request: Request, token: Token, peer: str) -> bytes:
        try:
            said = read_statement(json.loads(request.content.read() if request.content is not None else b""))
        except (ValueError, RecursionError):
            return _answer(request, 400, {"error": "expected a statement in JSON"})
        except StatementError as error:
            return _answer(request, 400, {"error": str(error)})
        if not token.may_join(said.namespace, said.group):
            return _answer(request, 403, {"error": f"the token {token.name} is not for the group {said.namespace}/{said.group}"})
        if not token.may_name(said.address, peer):
            return _answer(request, 403, {"error": f"expected the address that the connection comes from ({peer}), got {said.address}"})
        found = self._registrations.put(said, token.name, token.labels)
        if isinstance(found, Refusal):
            return _answer(request, found.status, {"error": found.said})
        group = self._registrations.group_of(said)
        return _answer(request, 200, {
            "name": found, "grace": self._registrations.grace, "probe": probe_json(group.probe) if group is not None else None,
            "left_out": _left_out(group, said, token),
        })

    def _get(self, request: Request) -> Any:
        run, after, wait = (_argument(request, name) for name in (b"run", b"after", b"wait"))
        known = int(after) if run == self.run and after.isdigit() and len(after) < 16 else -1
        changes = self._registrations.since(known)
        seconds = min(float(wait), LONGEST_WAIT) if wait.isdigit() else 0.0
        if changes is None or changes or not seconds:
            return _write(request, 200, self._entries(known))
        self._waiting[request] = (known, self._clock.callLater(seconds, self._answer_waiting, request))
        request.notifyFinish().addErrback(lambda _: self._forget(request))
        return NOT_DONE_YET

    def _tell(self) -> None:
        self._telling = None
        for request in list(self._waiting):
            self._answer_waiting(request)

    def _answer_waiting(self, request: Request) -> None:
        known, _ = self._waiting[request]
        self._forget(request)
        request.write(_write(request, 200, self._entries(known)))
        request.finish()

    def _forget(self, request: Request) -> None:
        found = self._waiting.pop(request, None)
        if found is not None and found[1].active():
            found[1].cancel()

    def _entries(self, known: int) -> bytes:
        """Give the answer to who knows a version; -1: none of this run."""
        registrations = self._registrations
        if self._written_at != registrations.version:
            self._written, self._written_at = {}, registrations.version
        if known not in self._written:
            changes = registrations.since(known)
            entries: Mapping[str, Json | None] = registrations.entries() if changes is None else changes
            self._written[known] = json.dumps({
                "run": self.run, "version": registrations.version, "whole": changes is None, "grace": registrations.grace, "entries": entries,
            }).encode()
        return self._written[known]


class RegistrySite(Site):
    """A site that logs no requests: machines ask every few seconds."""

    noisy = False

    def __init__(self, pages: RegistryPages) -> None:
        """Serve the pages."""
        super().__init__(pages, requestFactory=BoundedRequest, timeout=IDLE)  # type: ignore[no-untyped-call]  # reason: Twisted's

    def log(self, request: HttpRequest) -> None:
        """Write nothing."""


def _left_out(group: WorkloadGroup | None, said: Statement, token: Token) -> list[str]:
    """Name the labels that a machine said and has not got."""
    taken = taken_labels(group, said.labels, token.labels) if group is not None else {}
    return sorted(key for key, value in said.labels.items() if taken.get(key) != value)


def _bearer(request: Request) -> str:
    kind, _, token = (request.getHeader(b"authorization") or b"").decode("latin-1").partition(" ")
    return token if kind.lower() == "bearer" else ""


def _argument(request: Request, name: bytes) -> str:
    values: list[bytes] = request.args.get(name, [])
    return values[0].decode("latin-1") if values else ""


def _answer(request: Request, status: int, found: Json) -> bytes:
    return _write(request, status, json.dumps(found).encode())


def _write(request: Request, status: int, content: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", JSON)
    request.setHeader(b"content-length", str(len(content)).encode())
    return content
