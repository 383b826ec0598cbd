"""Kubernetes Pod, as far as discovery needs it."""

import attrs

from meshd.model.metadata import Metadata


@attrs.frozen
class ContainerPort:
    """A named port of a container, for services whose targetPort is a name."""

    name: str
    port: int
    protocol: str = "TCP"


@attrs.frozen
class Pod:
    """
    A Kubernetes Pod.

    Attributes:
        metadata: Identity and labels.
        addresses: Its IPs.
        service_account: Its service account; `default` when not given.
        ports: Named container ports.
        phase: `Running`...
        ready: The Ready condition.
        node_name: Machine it runs on.
    """

    metadata: Metadata
    addresses: tuple[str, ...] = ()
    service_account: str = "default"
    ports: tuple[ContainerPort, ...] = ()
    phase: str = ""
    ready: bool = True
    node_name: str = ""
