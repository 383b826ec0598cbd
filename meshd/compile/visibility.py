"""Which namespaces see a resource: `exportTo`, with the mesh's default behind it."""

from collections.abc import Collection

from meshd.model.mesh import Mesh
from meshd.model.service import Service
from meshd.model.service_entry import ServiceEntry

EXPORT_TO = "networking.istio.io/exportTo"

PRIVATE, EXPORTED, PUBLIC = 0, 1, 2
"""How a service comes to be seen; Istio lists those of a lower number first, so they win conflicts."""


def export_to(service: Service | ServiceEntry, mesh: Mesh) -> Collection[str]:
    """Give the namespaces that a service is exported to: names, `.` for its own, `*` for all, `~` for none; as a default, `.` wins over all."""
    if isinstance(service, ServiceEntry):
        stated: Collection[str] = service.export_to
    else:
        metadata = service.metadata
        text = metadata.annotations.get(EXPORT_TO, "") or metadata.labels.get(EXPORT_TO, "")
        stated = {part.strip() for part in text.split(",")} if text else ()
    if stated:
        return stated
    return (".",) if "." in mesh.default_service_export_to else mesh.default_service_export_to


def find_visibility(exported: Collection[str], own: str, namespace: str) -> int | None:
    """
    Tell whether and how a resource is seen from a namespace.

    Args:
        exported: What it is exported to.
        own: Its own namespace.
        namespace: Where it is looked at from.

    Returns:
        PRIVATE, EXPORTED or PUBLIC; None if it is not seen.

    Source:
        Istio pilot/pkg/model/push_context.go: `*` wins over all, then `~`; otherwise its own namespace has to be named, too.
    """
    if "*" in exported:
        return PUBLIC
    if "~" in exported:
        return None
    if own == namespace:
        return PRIVATE if "." in exported or own in exported else None
    return EXPORTED if namespace in exported else None
