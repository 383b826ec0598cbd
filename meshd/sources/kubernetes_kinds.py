"""Which collections meshd reads of an API server."""

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred

from meshd.base.errors import MeshError
from meshd.kubernetes.api import CORE, ENDPOINT_SLICES, ENDPOINTS, MESHD_NODES, MESHES, OPTIONAL, SERVICES, Api
from meshd.model.kinds import KINDS

GroupKind = tuple[str, str]
"""API group, empty for Kubernetes' oldest kinds, and kind."""

LEFT_OUT = (ENDPOINTS, MESHES, MESHD_NODES)
"""What is not read of an API server: EndpointSlices tell of endpoints, and who a machine is stands in its directory."""

WANTED = tuple(api for api in (*CORE, *OPTIONAL) if (api.group, api.kind) in KINDS and api not in LEFT_OUT)
"""What is read where it is there."""

NEEDED = frozenset((api.group, api.kind) for api in (SERVICES, ENDPOINT_SLICES))
"""Kinds without which there is no World."""

FindServed = Callable[[Iterable[Api]], "Deferred[tuple[Api, ...]]"]
"""Asks which of some kinds there are, and in which version."""


def by_kind(served: Iterable[Api]) -> dict[GroupKind, Api]:
    """
    Give what a server says it has, by group and kind.

    Raises:
        MeshError: If it says that it has not even what every server has.
    """
    found = {(api.group, api.kind): api for api in served}
    if not NEEDED.issubset(found):
        raise MeshError("expected an API server of Kubernetes, got one without services or endpoint slices")
    return found
