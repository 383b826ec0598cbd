"""The list of kinds that meshd reads, and the way from a document's body to resources."""

from collections.abc import Callable, Mapping

import attrs

from meshd.base.errors import Problem, has_errors
from meshd.base.origins import Origin
from meshd.model.checks import label_name, subdomain_name
from meshd.model.destination_rule import read_destination_rule
from meshd.model.drafts import Identity
from meshd.model.endpoint_slice import read_endpoint_slice, read_endpoints
from meshd.model.gateway import read_gateway
from meshd.model.kube_connection_routes import read_tcp_route, read_tls_route
from meshd.model.kube_gateway import read_gateway_class, read_kube_gateway
from meshd.model.kube_grpc_route import read_grpc_route
from meshd.model.kube_http_route import read_http_route
from meshd.model.kube_ingress import read_ingress, read_ingress_class
from meshd.model.kube_node import read_kube_node
from meshd.model.kube_secret import read_kube_secret
from meshd.model.mesh import read_mesh
from meshd.model.metadata import DEFAULT_NAMESPACE, Metadata, read_metadata
from meshd.model.namespace import read_namespace
from meshd.model.node_reading import read_node
from meshd.model.paths import LineOf, shown_key
from meshd.model.peer_authentication import read_peer_authentication
from meshd.model.pod import read_pod
from meshd.model.proxy_config import read_proxy_config
from meshd.model.rate_limit import read_rate_limit
from meshd.model.reading import Check, Fields, Report, did_you_mean, shown
from meshd.model.reference_grant import read_reference_grant
from meshd.model.service import read_service
from meshd.model.service_entry import read_service_entry
from meshd.model.sidecar import read_sidecar
from meshd.model.virtual_service_reading import read_virtual_service
from meshd.model.workload_entry import read_workload_entry
from meshd.model.workload_group import read_workload_group
from meshd.model.world import Resource


@attrs.frozen
class Kind:
    """
    How one kind is read.

    Attributes:
        versions: Versions of its API group that are accepted.
        read: Reads what stands beside metadata.
        namespaced: Its resources stand in namespaces.
        check_name: What names must look like.
    """

    versions: tuple[str, ...]
    read: Callable[[Fields, Metadata], tuple[Resource, ...]]
    namespaced: bool = True
    check_name: Check = subdomain_name


ISTIO_NETWORKING = ("v1", "v1beta1", "v1alpha3")

KINDS: dict[tuple[str, str], Kind] = {
    ("", "Endpoints"): Kind(("v1",), read_endpoints, check_name=label_name),
    ("", "Namespace"): Kind(("v1",), read_namespace, namespaced=False, check_name=label_name),
    ("", "Node"): Kind(("v1",), read_kube_node, namespaced=False),
    ("", "Pod"): Kind(("v1",), read_pod),
    ("", "Secret"): Kind(("v1",), read_kube_secret),
    ("", "Service"): Kind(("v1",), read_service, check_name=label_name),
    ("discovery.k8s.io", "EndpointSlice"): Kind(("v1", "v1beta1"), read_endpoint_slice),
    ("gateway.networking.k8s.io", "GRPCRoute"): Kind(("v1", "v1alpha2"), read_grpc_route),
    ("gateway.networking.k8s.io", "Gateway"): Kind(("v1", "v1beta1"), read_kube_gateway),
    ("gateway.networking.k8s.io", "GatewayClass"): Kind(("v1", "v1beta1"), read_gateway_class, namespaced=False),
    ("gateway.networking.k8s.io", "HTTPRoute"): Kind(("v1", "v1beta1"), read_http_route),
    ("gateway.networking.k8s.io", "ReferenceGrant"): Kind(("v1", "v1beta1"), read_reference_grant),
    ("gateway.networking.k8s.io", "TCPRoute"): Kind(("v1", "v1alpha2"), read_tcp_route),
    ("gateway.networking.k8s.io", "TLSRoute"): Kind(("v1", "v1alpha3", "v1alpha2"), read_tls_route),
    ("meshd.io", "Mesh"): Kind(("v1",), read_mesh, namespaced=False),
    ("meshd.io", "Node"): Kind(("v1",), read_node, namespaced=False),
    ("meshd.io", "RateLimit"): Kind(("v1",), read_rate_limit),
    ("networking.istio.io", "DestinationRule"): Kind(ISTIO_NETWORKING, read_destination_rule),
    ("networking.istio.io", "Gateway"): Kind(ISTIO_NETWORKING, read_gateway),
    ("networking.istio.io", "ProxyConfig"): Kind(("v1", "v1beta1"), read_proxy_config),
    ("networking.istio.io", "ServiceEntry"): Kind(ISTIO_NETWORKING, read_service_entry),
    ("networking.istio.io", "Sidecar"): Kind(ISTIO_NETWORKING, read_sidecar),
    ("networking.istio.io", "VirtualService"): Kind(ISTIO_NETWORKING, read_virtual_service),
    ("networking.istio.io", "WorkloadEntry"): Kind(ISTIO_NETWORKING, read_workload_entry),
    ("networking.istio.io", "WorkloadGroup"): Kind(ISTIO_NETWORKING, read_workload_group),
    ("networking.k8s.io", "Ingress"): Kind(("v1",), read_ingress),
    ("networking.k8s.io", "IngressClass"): Kind(("v1",), read_ingress_class, namespaced=False),
    ("security.istio.io", "PeerAuthentication"): Kind(("v1", "v1beta1"), read_peer_authentication),
}

NOT_SERVED: dict[str, tuple[str, ...]] = {
    "networking.istio.io": ("EnvoyFilter",),
    "security.istio.io": ("RequestAuthentication", "AuthorizationPolicy"),
    "telemetry.istio.io": ("Telemetry",),
    "extensions.istio.io": ("WasmPlugin", "TrafficExtension"),
    "gateway.networking.k8s.io": ("UDPRoute", "BackendTLSPolicy", "ListenerSet"),
}
"""Kinds that belong to Istio's API and are not read yet, by API group."""

_CLUSTER_ONLY = ("", "apps", "batch", "rbac.authorization.k8s.io", "apiextensions.k8s.io", "policy", "autoscaling", "networking.k8s.io")
"""API groups of Kubernetes whose other kinds concern the cluster, not the mesh."""


def read_resource(body: Mapping[str, object], origin: Origin, line_of: LineOf) -> tuple[tuple[Resource, ...], list[Problem]]:
    """
    Read one document.

    Returns:
        What it says, and what is wrong with it. It says nothing where it cannot be used (then a Problem is an error) or is not served (a warning).
    """
    resources, problems = read_as_written(body, origin, line_of)
    return () if has_errors(problems) else resources, problems


def read_as_written(body: Mapping[str, object], origin: Origin, line_of: LineOf) -> tuple[tuple[Resource, ...], list[Problem]]:
    """Read one document, and give what it says even where it cannot be used: with defaults in the place of what is wrong."""
    report = Report(origin, line_of)
    fields = Fields(body, (), report)
    api_version, name = fields.text("apiVersion"), fields.text("kind")
    if not api_version or not name:
        for field, found, example in (("apiVersion", api_version, "v1"), ("kind", name, "Service")):
            if not found and not isinstance(body.get(field), int | float | list | dict):
                fields.wrong(field, f"expected a text such as {example}, got {shown(body.get(field))}", "every document needs apiVersion and kind")
        return (), report.problems
    group, _, version = api_version.rpartition("/")
    kind = KINDS.get((group, name))
    if kind is None:
        _warn_of_unknown(fields, group, name)
        return (), report.problems
    if version not in kind.versions:
        accepted = " or ".join(f"{group}/{accepted}" if group else accepted for accepted in kind.versions)
        fields.wrong("apiVersion", f"expected {accepted}, got {shown(api_version)}")
        return (), report.problems
    metadata = read_metadata(fields.mapping("metadata"), namespaced=kind.namespaced, check_name=kind.check_name)
    resources = kind.read(fields, metadata)
    fields.finish(("status",))
    named = [attrs.evolve(problem, origin=report.origin) for problem in report.problems]
    return resources, named


def identify(body: object) -> Identity | None:
    """Tell which resource a body means to be, whatever else is wrong with it; None where it does not say."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        return None
    api_version, kind = body.get("apiVersion"), body.get("kind")
    namespace, name = body["metadata"].get("namespace"), body["metadata"].get("name")
    if not (isinstance(api_version, str) and isinstance(kind, str) and isinstance(name, str) and kind and name):
        return None
    group = api_version.rpartition("/")[0]
    known = KINDS.get((group, kind))
    if known is not None and not known.namespaced:
        return Identity(group, kind, "", name)
    return Identity(group, kind, namespace if isinstance(namespace, str) and namespace else DEFAULT_NAMESPACE, name)


def _warn_of_unknown(fields: Fields, group: str, name: str) -> None:
    if name in NOT_SERVED.get(group, ()):
        fields.wrong("kind", f"{name} is not served yet and has no effect", severity="warning")
        return
    groups = {group for group, kind in KINDS if kind == name} | {group for group, kinds in NOT_SERVED.items() if name in kinds}
    shown_name, shown_group = shown_key(name), shown_key(group)
    if groups:
        written = " or ".join(f"{other}/..." if other else "v1" for other in sorted(groups))
        fields.wrong("apiVersion", f"expected {written} for {shown_name}, got the group {shown_group or 'of v1'}; it is ignored", severity="warning")
        return
    same = {kind for other, kind in KINDS if other == group} | set(NOT_SERVED.get(group, ()))
    hint = did_you_mean(name, same)
    if not hint and group in _CLUSTER_ONLY:
        hint = "it concerns Kubernetes alone; remove it to be rid of this message"
    fields.wrong("kind", f"expected a kind that meshd reads, got {shown_name}{' of ' + shown_group if group else ''}; it is ignored", hint, "warning")
