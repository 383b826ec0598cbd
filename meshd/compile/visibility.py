"""Which services a machine may see: `exportTo`, as annotation or label, with the mesh's default behind it."""

from collections.abc import Collection

from meshd.model.mesh import Mesh
from meshd.model.service import Service

EXPORT_TO = "networking.istio.io/exportTo"

PRIVATE, EXPORTED, PUBLIC = 0, 1, 2
"""How a service comes to be seen; Istio lists those of a lower number first, so they win conflicts."""


def export_to(service: Service, mesh: Mesh) -> Collection[str]:
    """Give the namespaces that a service is exported to: names, `.` for its own, `*` for all, `~` for none; as a default, `.` wins over all."""
    metadata = service.metadata
    text = metadata.annotations.get(EXPORT_TO, "") or metadata.labels.get(EXPORT_TO, "")
    if text:
        return {part.strip() for part in text.split(",")}
    return (".",) if "." in mesh.default_service_export_to else mesh.default_service_export_to


def find_visibility(service: Service, namespace: str, mesh: Mesh) -> int | None:
    """
    Tell whether and how a service is seen from a namespace.

    Returns:
        PRIVATE, EXPORTED or PUBLIC; None if it is not seen.

    Source:
        Istio pilot/pkg/model/push_context.go: `*` wins over all, then `~`; otherwise its own namespace has to be named, too.
    """
    exported = export_to(service, mesh)
    if "*" in exported:
        return PUBLIC
    if "~" in exported:
        return None
    own = service.metadata.namespace
    if own == namespace:
        return PRIVATE if "." in exported or own in exported else None
    return EXPORTED if namespace in exported else None
