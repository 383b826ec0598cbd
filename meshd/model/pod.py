"""Kubernetes Pod, as far as discovery needs it."""

import attrs

from meshd.base.addresses import canonical_ip
from meshd.model.checks import ip_address, port_name, subdomain_name
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields
from meshd.model.service import read_protocol

_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown", "")
_OVER = ("Succeeded", "Failed")


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
        addresses: Its IPs; none when its phase is Succeeded or Failed, since others may have them by then.
        service_account: Its service account; `default` when not given.
        ports: Named container ports.
        phase: `Running`...
        ready: The Ready condition; true where no conditions are given at all.
        node_name: Machine it runs on.
    """

    metadata: Metadata
    addresses: tuple[str, ...] = ()
    service_account: str = "default"
    ports: tuple[ContainerPort, ...] = ()
    phase: str = ""
    ready: bool = True
    node_name: str = ""


def read_pod(fields: Fields, metadata: Metadata) -> tuple[Pod, ...]:
    """Read what discovery needs of a Pod; the rest of its spec and status is the kubelet's business and not checked."""
    spec, status = fields.mapping("spec"), fields.mapping("status")
    phase = status.choice("phase", _PHASES, "")
    addresses = [status.text("podIP", check=ip_address), *(item.text("ip", check=ip_address) for item in status.items("podIPs"))]
    account = spec.text("serviceAccountName", check=subdomain_name) or spec.text("serviceAccount", check=subdomain_name)
    pod = Pod(
        metadata,
        tuple(dict.fromkeys(canonical_ip(text) for text in addresses if text)) if phase not in _OVER else (),
        account or "default",
        tuple(_read_ports(spec)),
        phase,
        _read_ready(status),
        spec.text("nodeName", check=subdomain_name),
    )
    return (pod,)


def _read_ports(spec: Fields) -> list[ContainerPort]:
    """Return the ports of containers, and of init containers that stay (`restartPolicy: Always`)."""
    lasting = [item for item in spec.items("initContainers") if item.raw("restartPolicy") == "Always"]
    found = []
    for container in (*spec.items("containers"), *lasting):
        for port in container.items("ports"):
            name, number = port.text("name", check=port_name), port.port("containerPort", required=True)
            found.append(ContainerPort(name, number, read_protocol(port)))
    return found


def _read_ready(status: Fields) -> bool:
    conditions = status.items("conditions")
    return not conditions or any(item.raw("type") == "Ready" and item.raw("status") == "True" for item in conditions)
