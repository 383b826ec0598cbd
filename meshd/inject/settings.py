"""What an injector is set to do, and the names that pods carry of it."""

from collections.abc import Mapping

import attrs

from meshd import __version__

SIDECAR = "istio-proxy"
"""Istio's name of the container: dashboards, plugins of kubectl and exceptions in cluster policies know it."""
INIT = "meshd-init"
USER = 1337
"""Who the sidecar is, Istio's: what it connects to itself is not captured."""

STATUS = "sidecar.istio.io/status"
INJECT = "sidecar.istio.io/inject"
REVISION = "istio.io/rev"
NAMESPACE_LABEL = "istio-injection"
NODE_DOCUMENT = "meshd.io/node"
MESH_DOCUMENT = "meshd.io/mesh"
"""Annotations that hold what the sidecar is configured by: a `kind: Node` and a `kind: Mesh`."""

DEFAULT_REVISION = "default"
KUBERNETES_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
"""Namespaces of Kubernetes itself, never injected (Istio pkg/kube/inject, IgnoredNamespaces)."""


@attrs.frozen
class Resources:
    """Processor and memory of a container as Kubernetes writes them; an empty text is none."""

    cpu: str = ""
    memory: str = ""
    cpu_limit: str = ""
    memory_limit: str = ""


@attrs.frozen
class InjectSettings:
    """
    What does not depend on the pod.

    Attributes:
        image: Image of both containers.
        pull_policy: When it is fetched; empty: as Kubernetes does.
        revision: Whose labels are ours: `default` is the one that plain `istio-injection` labels mean.
        namespace: Where the injector runs; it is left alone, or the injector could not start without itself.
        enabled_by_default: Namespaces without labels are injected too (Istio's enableNamespacesByDefault).
        hold_application: The other containers start when the sidecar is ready.
        native_sidecar: An init container that stays, instead of a container (Kubernetes 1.29).
        dns: Names are answered by the sidecar.
        resources: Of the sidecar, where no annotation speaks of them (Istio's).
        mesh: Fields of `kind: Mesh` that every sidecar gets.
        pull_secrets: Names of secrets, in the pods' namespaces, that the image is fetched with.
    """

    image: str = f"meshd:{__version__}"
    pull_policy: str = ""
    revision: str = DEFAULT_REVISION
    namespace: str = "istio-system"
    enabled_by_default: bool = False
    hold_application: bool = False
    native_sidecar: bool = False
    dns: bool = True
    resources: Resources = Resources("100m", "128Mi", "2000m", "1024Mi")
    mesh: Mapping[str, object] = attrs.field(factory=lambda: {"accessLogFile": "/dev/stdout"})
    pull_secrets: tuple[str, ...] = ()
