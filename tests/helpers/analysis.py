"""Asks analyzers about small worlds."""

from collections.abc import Callable, Iterator
from functools import partial

from meshd.analyze.facts import Facts
from meshd.analyze.messages import Finding
from meshd.analyze.registry import RAW_KINDS
from meshd.model.world import World
from meshd.sources.written import read_texts
from tests.helpers.small_worlds import host, svc

WEB = svc("web", "{name: http, port: 80}", more=", selector: {app: web}")
API = svc("api", "{name: http, port: 80}, {name: grpc, port: 90}", "10.9.0.2")


def found(analyzer: Callable[[Facts], Iterator[Finding]], *documents: str) -> list[str]:
    """Run one analyzer over documents, each a line; give its findings as `code name line field: text`."""
    written = read_texts({"a.yaml": "\n---\n".join(documents).encode()}, keep=RAW_KINDS)
    told = []
    for one in analyzer(Facts(World().changed(written.resources), written.documents)):
        problem = one.to_problem(partial(written.line_of, one.origin))
        assert problem.hint, f"{problem.code} does not say what to do"
        told.append(f"{problem.code} {problem.origin.name} {problem.line or problem.origin.line} {problem.field}: {problem.message}")
    return told


def pod(name: str, labels: str, namespace: str = "default", address: str = "") -> str:
    """Write a pod."""
    status = f", status: {{podIP: {address}}}" if address else ""
    return f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}{status}}}"


def resource(api_version: str, kind: str, name: str, spec: str, namespace: str = "default", more: str = "") -> str:
    """Write any resource."""
    return f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}{more}}}, spec: {{{spec}}}}}"


def node(name: str, labels: str, more: str = "") -> str:
    """Write a Node."""
    return f"{{apiVersion: meshd.io/v1, kind: Node, metadata: {{name: {name}}}, spec: {{labels: {{{labels}}}{more}}}}}"


__all__ = ["API", "WEB", "found", "host", "node", "pod", "resource", "svc"]
