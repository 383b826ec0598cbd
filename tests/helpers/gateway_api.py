"""Kinds of the Kubernetes Gateway API for tests: short ways to read one, to hear what is wrong, and to write them for small worlds."""

from typing import TypeVar

from meshd.model.world import Resource
from tests.helpers.resources import complaints_of, resources_of

R = TypeVar("R", bound=Resource)


def document(kind: str, spec: str) -> str:
    """Give a document named `web` in the default namespace; a spec on one line stands in line 4."""
    return f"apiVersion: gateway.networking.k8s.io/{version_of(kind)}\nkind: {kind}\nmetadata: {{name: web}}\nspec: {spec}\n"


def version_of(kind: str) -> str:
    """Give the version of a kind that its users write."""
    return {"ReferenceGrant": "v1beta1", "TCPRoute": "v1alpha2"}.get(kind, "v1")


def read(kind: str, expected: type[R], spec: str) -> R:
    """Return the resource with a spec that has no error."""
    text = document(kind, spec)
    assert [] == [line for line in complaints_of(text) if line.startswith("error")]
    [found] = resources_of(text)
    assert isinstance(found, expected)
    return found


def wrong(kind: str, spec: str) -> list[str]:
    """Return what is wrong with a spec on one line, a line each without the document's own line; the resource is used unless there is an error."""
    text = document(kind, spec)
    found = complaints_of(text)
    assert any(line.startswith("error") for line in found) != bool(resources_of(text))
    return [line.replace(" 4 ", " ", 1) for line in found]


def kube(kind: str, name: str, spec: str, meta: str = "", namespace: str = "default") -> str:
    """Write a resource; `spec` is what stands within its braces."""
    identity = f"{{name: {name}, namespace: {namespace}{meta}}}"
    return f"{{apiVersion: gateway.networking.k8s.io/{version_of(kind)}, kind: {kind}, metadata: {identity}, spec: {{{spec}}}}}"


def in_mesh(service: str, rules: str, more: str = "", name: str = "route", namespace: str = "default", meta: str = "") -> str:
    """Write an HTTPRoute that is attached to a service."""
    return kube("HTTPRoute", name, f"parentRefs: [{{group: '', kind: Service, name: {service}{more}}}], rules: [{rules}]", meta, namespace)


def at_gateway(gateway: str, rules: str, hosts: str = "", name: str = "route", namespace: str = "default", kind: str = "HTTPRoute") -> str:
    """Write a route that is attached to a Gateway."""
    names = f", hostnames: [{hosts}]" if hosts else ""
    return kube(kind, name, f"parentRefs: [{{name: {gateway}}}], rules: [{rules}]{names}", "", namespace)


def listener(name: str, port: int, protocol: str, more: str = "") -> str:
    """Write a listener."""
    return f"{{name: {name}, port: {port}, protocol: {protocol}{', ' + more if more else ''}}}"


def gateway(name: str, *listeners: str, more: str = "", namespace: str = "default") -> str:
    """Write a Gateway."""
    return kube("Gateway", name, f"gatewayClassName: istio, listeners: [{', '.join(listeners)}]{more}", "", namespace)


EDGE = (
    "{apiVersion: meshd.io/v1, kind: Node, metadata: {name: edge}, spec: {namespace: default, gateway: true, addresses: [10.0.0.9], "
    "labels: {gateway.networking.k8s.io/gateway-name: edge, app: edge}}}"
)
"""A machine that serves the Gateway `edge`."""
