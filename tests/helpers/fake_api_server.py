"""An API server in memory, for tests of what reads it: tests answer each call, line by line."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from meshd.kubernetes.client import ApiError

SERVICES = "/api/v1/services"


@attrs.define(eq=False)
class Call:
    """One call: what was asked, and what answers it."""

    path: str
    query: Mapping[str, str]
    on_line: Callable[[bytes], None]
    on_open: Callable[[], None]
    done: "Deferred[Any]"
    cancelled: bool = False

    @property
    def streams(self) -> bool:
        """Tell whether it is a watch."""
        return "watch" in self.query

    def say(self, *events: object) -> None:
        """Send events, as lines; bytes are sent as they are."""
        for event in events:
            self.on_line(event if isinstance(event, bytes) else json.dumps(event).encode())

    def end(self, answer: object = None) -> None:
        """Give the answer, or end the watch."""
        self.done.callback(answer)

    def lose(self) -> None:
        """Cut the connection."""
        self.done.errback(Failure(ConnectionLost()))

    def refuse(self, status: int, reason: str = "", retry_after: float | None = None) -> None:
        """Say no."""
        self.done.errback(ApiError("", status, reason, "", retry_after))


class FakeApiServer:
    """What reads an API server, with every call kept for the test to answer."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @property
    def last(self) -> Call:
        """The last call."""
        return self.calls[-1]

    def on(self, path: str) -> Call:
        """Give the last call for a path."""
        return next(call for call in reversed(self.calls) if call.path == path)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> "Deferred[Any]":
        """Note a call."""
        return self._note(path, query or {}, lambda line: None, lambda: None)

    def stream(
        self, path: str, query: Mapping[str, str], on_line: Callable[[bytes], None], *, on_open: Callable[[], None],
    ) -> "Deferred[None]":
        """Note a watch."""
        return self._note(path, query, on_line, on_open)

    def _note(
        self, path: str, query: Mapping[str, str], on_line: Callable[[bytes], None], on_open: Callable[[], None],
    ) -> "Deferred[Any]":
        def cancelled(done: "Deferred[Any]") -> None:
            call.cancelled = True

        call = Call(path, query, on_line, on_open, Deferred(cancelled))
        self.calls.append(call)
        return call.done


def service(name: str, version: int, *, namespace: str = "default", address: str = "10.0.0.1", uid: str = "u") -> dict[str, Any]:
    """Give a Service as an API server does."""
    return {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": str(version), "managedFields": [{"manager": "x"}]},
        "spec": {"clusterIP": address, "ports": [{"name": "http", "port": 80}]},
    }


def added(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event of an object that came."""
    return {"type": "ADDED", "object": body}


def modified(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event of an object that changed."""
    return {"type": "MODIFIED", "object": body}


def deleted(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event of an object that is gone."""
    return {"type": "DELETED", "object": body}


def bookmark(version: int, kind: str = "Service", *, ends: bool = False) -> dict[str, Any]:
    """Give a bookmark, the one that ends a streamed list perhaps."""
    annotations = {"annotations": {"k8s.io/initial-events-end": "true"}} if ends else {}
    return {"type": "BOOKMARK", "object": {"kind": kind, "metadata": {"resourceVersion": str(version), **annotations}}}


def error(code: int, reason: str = "Expired") -> dict[str, Any]:
    """Give the event of an error."""
    return {"type": "ERROR", "object": {"kind": "Status", "code": code, "reason": reason, "message": "too old"}}


def page(version: int, *items: Mapping[str, Any], more: str = "") -> dict[str, Any]:
    """Give a page of a list; items of Kubernetes' own kinds do not say which kind they are of."""
    bare = [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in items]
    return {"kind": "ServiceList", "metadata": {"resourceVersion": str(version), "continue": more}, "items": bare}
