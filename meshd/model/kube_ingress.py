"""Kubernetes' Ingress: hosts and paths that an edge proxy routes to services, and the class that says whose edge proxy that is."""

from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.model.checks import label_name, one_line, subdomain_name
from meshd.model.kube_http_route import rule_origin
from meshd.model.kube_references import wildcard_hostname
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

PathType = Literal["Exact", "Prefix", "ImplementationSpecific"]

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES: tuple[PathType, ...] = ("Exact", "Prefix", "ImplementationSpecific")


@attrs.frozen
class IngressPath:
    """
    One rule.

    Attributes:
        path: Empty only where the type is `ImplementationSpecific`.
        type: How paths are compared.
        service: Name, of the Ingress's namespace; empty where the rule leads to something else.
        port: Number; 0: `port_name`.
        port_name: Of the service's port.
        origin: The Ingress, with the rule's own line.
    """

    path: str
    type: PathType
    service: str
    port: int
    port_name: str
    origin: Origin


@attrs.frozen
class IngressTls:
    """Hosts whose TLS is ended by the certificate of a secret; no hosts: of any."""

    hosts: tuple[str, ...] = ()
    secret: str = ""


@attrs.frozen
class KubeIngress:
    """
    Kubernetes' Ingress (networking.k8s.io/v1).

    Attributes:
        metadata: Identity.
        class_name: Of an IngressClass; empty: the annotation's, or none.
        rules: Pairs of a host (`*` for any) and its paths, in order.
        tls: In order.
    """

    metadata: Metadata
    class_name: str = ""
    rules: tuple[tuple[str, tuple[IngressPath, ...]], ...] = ()
    tls: tuple[IngressTls, ...] = ()


@attrs.frozen
class IngressClass:
    """Kubernetes' IngressClass (networking.k8s.io/v1); `controller` is who serves it."""

    metadata: Metadata
    controller: str = ""


def read_ingress(fields: Fields, metadata: Metadata) -> tuple[KubeIngress, ...]:
    """Read an Ingress, as Kubernetes validates it."""
    spec = fields.mapping("spec")
    class_name = spec.text("ingressClassName", check=subdomain_name)
    if class_name and CLASS_ANNOTATION in metadata.annotations:
        spec.wrong("ingressClassName", f"expected it, or the annotation {CLASS_ANNOTATION}, got both")
    if spec.is_empty("rules") and "defaultBackend" not in spec:
        spec.wrong("", "expected rules or defaultBackend, got none of them")
    spec.optional("defaultBackend", _read_backend)
    spec.not_served("defaultBackend", effect="has no effect: write a rule without a host")
    rules = tuple(_read_rule(item) for item in spec.items("rules"))
    found = KubeIngress(metadata, class_name, rules, tuple(_read_tls(item) for item in spec.items("tls")))
    spec.finish()
    return (found,)


def read_ingress_class(fields: Fields, metadata: Metadata) -> tuple[IngressClass, ...]:
    """Read an IngressClass."""
    spec = fields.mapping("spec")
    found = IngressClass(metadata, spec.text("controller", check=one_line, required=True))
    spec.finish(("parameters",))
    return (found,)


def _read_rule(item: Fields) -> tuple[str, tuple[IngressPath, ...]]:
    host = item.text("host", check=wildcard_hostname) or "*"
    http = item.mapping("http")
    if "http" not in item:
        item.wrong("", "expected http with paths, got nothing; the rule has no effect", severity="warning")
    elif http.is_empty("paths"):
        http.wrong("paths", "expected at least one path, got none")
    paths = tuple(_read_path(path) for path in http.items("paths"))
    http.finish()
    item.finish()
    return host, paths


def _read_path(item: Fields) -> IngressPath:
    if "pathType" not in item:
        item.wrong("pathType", f"expected {' or '.join(_PATH_TYPES)}, got nothing")
    kind = item.choice("pathType", _PATH_TYPES, "ImplementationSpecific")
    path = item.text("path", check=_path if kind != "ImplementationSpecific" else _path_of_any, required=kind != "ImplementationSpecific")
    if "backend" not in item:
        item.wrong("backend", "expected a backend, got nothing")
    service, number, name = item.optional("backend", _read_backend) or ("", 0, "")
    item.finish()
    return IngressPath(path, kind, service, number, name, rule_origin(item))


def _path(text: str) -> str:
    """Check a path, as Kubernetes does: nothing in it may mean another one."""
    if not text.startswith("/") or one_line(text):
        return "a path that begins with /"
    odd = next((part for part in ("//", "/./", "/../", "%2f", "%2F") if part in text), "") or text.endswith(("/..", "/."))
    return "a path without //, /./, /../, %2f, and no dots at its end" if odd else ""


def _path_of_any(text: str) -> str:
    return "" if not text or (text.startswith("/") and not one_line(text)) or text in ("*", ".*") else "a path that begins with /"


def _read_backend(item: Fields) -> tuple[str, int, str]:
    """Read a service's name with its port's number or name; nothing of a backend that is something else."""
    if "resource" in item:
        item.not_served("resource")
        if "service" in item:
            item.wrong("resource", "expected service or resource, got both")
    elif "service" not in item:
        item.wrong("service", "expected a service, got nothing")
    service = item.mapping("service")
    name, number, port_name = service.text("name", check=label_name, required="service" in item), 0, ""
    if "service" in item:
        port = service.mapping("port")
        number, port_name = port.port("number"), port.text("name", check=one_line)
        if ("number" in port) == ("name" in port):
            service.wrong("port", f"expected a number or a name, got {'both' if number else 'nothing'}")
        port.finish()
    service.finish()
    item.finish()
    return name, number, port_name


def _read_tls(item: Fields) -> IngressTls:
    found = IngressTls(item.texts("hosts", check=wildcard_hostname), item.text("secretName", check=subdomain_name))
    if not found.secret:
        item.wrong("secretName", "expected the name of a secret, got nothing; no TLS is ended for these hosts", severity="warning")
    item.finish()
    return found
