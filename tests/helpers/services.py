"""Builds services, endpoint slices, pods and machines for the compiler's tests, with little typing."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meshd.base.origins import Origin
from meshd.compile.node import Proxy, read_proxy
from meshd.compile.services import MeshService, read_service
from meshd.model.endpoint_slice import EndpointSlice, SliceEndpoint, SlicePort
from meshd.model.mesh import DEFAULT_MESH, Mesh
from meshd.model.metadata import Metadata
from meshd.model.node import Node
from meshd.model.pod import ContainerPort, Pod
from meshd.model.service import Service, ServicePort

HERE = "10.0.0.1"


def metadata(kind: str, name: str, namespace: str = "default", **more: Any) -> Metadata:
    """Give the identity of a resource that stands in a file of its own."""
    return Metadata(name, Origin(f"{name}.yaml", 1, kind, namespace, name), namespace, **more)


def service(name: str, *ports: ServicePort, address: str = "10.9.0.1", namespace: str = "default", created: str = "",
            annotations: Mapping[str, str] | None = None, **more: Any) -> Service:
    """Give a service; without an address it is given none."""
    identity = metadata("Service", name, namespace, created=created, annotations=annotations or {})
    return Service(identity, cluster_ips=tuple(address.split()), ports=ports, **more)


def headless(name: str, *ports: ServicePort, **more: Any) -> Service:
    """Give a headless service."""
    return service(name, *ports, address="", headless=True, **more)


def alias(name: str, target: str, namespace: str = "default") -> Service:
    """Give an ExternalName service."""
    return service(name, address="", namespace=namespace, type="ExternalName", external_name=target)


def port(number: int, name: str = "", target: int | str = 0, **more: str) -> ServicePort:
    """Give a service port."""
    return ServicePort(number, name, target, **more)


def slice_of(name: str, ports: Mapping[str, int], *endpoints: str | SliceEndpoint, namespace: str = "default", number: int = 1,
             address_type: str = "IPv4") -> EndpointSlice:
    """Give one of a service's endpoint slices; endpoints given as text are ready addresses."""
    found = tuple(SliceEndpoint((endpoint,)) if isinstance(endpoint, str) else endpoint for endpoint in endpoints)
    listed = tuple(SlicePort(value, key) for key, value in ports.items())
    return EndpointSlice(metadata("EndpointSlice", f"{name}-{number}", namespace), name, address_type, listed, found)


def pod(name: str, address: str, labels: Mapping[str, str] | None = None, namespace: str = "default", ports: Mapping[str, int] | None = None) -> Pod:
    """Give a pod."""
    named = tuple(ContainerPort(key, value) for key, value in (ports or {}).items())
    return Pod(metadata("Pod", name, namespace, labels=labels or {}), (address,), ports=named)


def machine(*addresses: str, namespace: str = "default", labels: Mapping[str, str] | None = None, **more: Any) -> Node:
    """Give a machine; without addresses it has one, `HERE`."""
    return Node(metadata("Node", "here", ""), namespace, labels=labels or {}, addresses=addresses or (HERE,), **more)


def proxy(node: Node | None = None, **settings: Any) -> Proxy:
    """Give who is compiled for, with settings of the mesh."""
    return read_proxy(node or machine(), mesh(**settings), "/log")


def mesh(**settings: Any) -> Mesh:
    """Give mesh-wide settings."""
    return attrs.evolve(DEFAULT_MESH, **settings)


def mesh_service(resource: Service, aliases: Sequence[str] = ()) -> MeshService:
    """Give a service as the compiler sees it."""
    return attrs.evolve(read_service(resource, "cluster.local"), aliases=tuple(aliases))
