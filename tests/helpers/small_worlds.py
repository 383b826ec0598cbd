"""
Small worlds of YAML documents, written with little typing, compiled and asked what becomes of a call.

An answer is written `listener route-config cluster end`: the end is the endpoints, or a status and response flags, or `closed` and response
flags; `-` stands for what is not there.
"""

from meshd.compile.compiler import Compiled
from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.model.world import World
from meshd.snapshot.route import Route
from tests.helpers.golden import compile_world
from tests.helpers.resources import complaints_of, resources_of

NODE = "{apiVersion: meshd.io/v1, kind: Node, metadata: {name: self}, spec: {namespace: default, addresses: [10.0.0.9], labels: {app: self}}}"


def mesh(settings: str) -> str:
    """Write a Mesh."""
    return f"{{apiVersion: meshd.io/v1, kind: Mesh, metadata: {{name: mesh}}, spec: {{{settings}}}}}"


def svc(name: str, ports: str, address: str = "10.9.0.1", more: str = "", meta: str = "") -> str:
    """Write a service in the namespace default; without an address it has none."""
    place = f"clusterIP: {address}, " if address else ""
    return f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: default{meta}}}, spec: {{{place}ports: [{ports}]{more}}}}}"


def alias(name: str, target: str) -> str:
    """Write an ExternalName service."""
    spec = f"{{type: ExternalName, externalName: {target}}}"
    return f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: default}}, spec: {spec}}}"


def eps(name: str, ports: str, endpoints: str, kind: str = "IPv4", number: int = 1) -> str:
    """Write an endpoint slice of a service."""
    meta = f"{{name: {name}-{number}{kind.lower()}, namespace: default, labels: {{kubernetes.io/service-name: {name}}}}}"
    return (f"{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: {kind}, metadata: {meta}, "
            f"endpoints: [{endpoints}], ports: [{ports}]}}")


def compiled(*documents: str) -> Compiled:
    """Compile a world for its machine; its documents are right."""
    text = "\n---\n".join(documents)
    errors = [line for line in complaints_of(text) if line.startswith("error")]
    assert not errors, errors
    return compile_world(World().changed(resources_of(text)))


def answer_to(world: Compiled, call: dict[str, object]) -> str:
    """Tell what becomes of a call."""
    asked, problems = Call.from_json(call)
    assert asked is not None, problems
    answer = explain(world.snapshot, asked)
    end = {"forward": ",".join(answer.endpoints), "reply": f"{answer.status} {answer.response_flags}", "close": f"closed {answer.response_flags}"}
    return " ".join((answer.listener or "-", answer.route_config or "-", answer.cluster or "-", end[answer.outcome]))


def http(address: str, port: int, authority: str, **more: object) -> dict[str, object]:
    """Give an HTTP call."""
    return {"address": address, "port": port, "authority": authority, **more}


def tcp(address: str, port: int, **more: object) -> dict[str, object]:
    """Give a call of other bytes."""
    return {"address": address, "port": port, "protocol": "tcp", **more}


def tls(address: str, port: int, name: str, **more: object) -> dict[str, object]:
    """Give a TLS call."""
    return {"address": address, "port": port, "protocol": "tls", "sni": name, **more}


def host(name: str) -> str:
    """Give a service's full name."""
    return f"{name}.default.svc.cluster.local"


def istio(kind: str, name: str, spec: str, meta: str = "", namespace: str = "default") -> str:
    """Write a resource of Istio's networking API; `spec` is what stands within its braces."""
    identity = f"{{name: {name}, namespace: {namespace}{meta}}}"
    return f"{{apiVersion: networking.istio.io/v1, kind: {kind}, metadata: {identity}, spec: {{{spec}}}}}"


def virtual(name: str, spec: str, meta: str = "", namespace: str = "default") -> str:
    """Write a VirtualService."""
    return istio("VirtualService", name, spec, meta, namespace)


def to(host: str, more: str = "") -> str:
    """Write one destination of a rule, in the list that it stands in."""
    return f"route: [{{destination: {{host: {host}{more}}}}}]"


def routes_in(world: Compiled, configuration: str, virtual_host: str) -> tuple[Route, ...]:
    """Give the routes of a virtual host."""
    hosts = world.snapshot.routes[configuration].virtual_hosts
    return next(host.routes for host in hosts if host.name == virtual_host)
