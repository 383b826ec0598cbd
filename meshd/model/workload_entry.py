"""Istio's WorkloadEntry: one machine, or process on it, as an endpoint."""

from collections.abc import Mapping

import attrs

from meshd.base.addresses import canonical_ip, is_ip_address
from meshd.base.locality import Locality, parse_locality
from meshd.model.checks import label_key, label_name, label_value, one_line, subdomain_name, wildcard_host
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

UNIX = "unix://"
MAX_WEIGHT = 2**32 - 1
NOWHERE = Locality()
LOCALITY_LABEL = "istio-locality"  # with dots for slashes, since labels have none
HEALTH_CHECKED = "proxy.istio.io/health-checks-enabled"  # annotation: "true" where the entry's health is asked for
HEALTHY = "Healthy"  # the condition of its status that tells the answer


@attrs.frozen
class Workload:
    """
    What an endpoint is.

    Attributes:
        address: IP address, DNS name, or `unix:///path`; empty where only a network is known.
        ports: Number by the service port's name.
        labels: For subsets and selectors.
        network: Name of its network.
        locality: Where it stands.
        weight: Share; 0: not said, which counts as 1.
        service_account: Its identity's.
    """

    address: str
    ports: Mapping[str, int] = attrs.field(factory=dict)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    network: str = ""
    locality: Locality = NOWHERE
    weight: int = 0
    service_account: str = ""


@attrs.frozen
class WorkloadEntry:
    """
    Istio's WorkloadEntry (networking.istio.io/v1); the metadata's labels count among the workload's, and win.

    Attributes:
        metadata: Identity.
        workload: What it is.
        healthy: It takes part: nobody asks for its health, or the last answer was good. Before there is an answer it does not.
    """

    metadata: Metadata
    workload: Workload
    healthy: bool = True


def read_workload_entry(fields: Fields, metadata: Metadata) -> tuple[WorkloadEntry, ...]:
    """Read a WorkloadEntry."""
    workload = read_workload(fields.mapping("spec"))
    healthy = metadata.annotations.get(HEALTH_CHECKED) != "true" or _is_healthy(fields.raw("status"))
    return (WorkloadEntry(metadata, attrs.evolve(workload, labels={**workload.labels, **metadata.labels}), healthy),)


def _is_healthy(status: object) -> bool:
    """Tell whether a status says so; one of any other shape does not, and is no Problem: it is written by programs."""
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return isinstance(conditions, list) and any(
        isinstance(one, dict) and one.get("type") == HEALTHY and one.get("status") == "True" for one in conditions
    )


def read_workload(fields: Fields, *, template: bool = False) -> Workload:
    """Read what an endpoint is; a `template` has no address of its own."""
    address = fields.text("address", check=workload_address)
    network = fields.text("network", check=one_line)
    if not address and "address" not in fields and not template:
        if network:
            fields.wrong("address", "expected an address, got a network alone; there is no gateway to it yet", severity="warning")
        else:
            fields.wrong("address", "expected an address, got nothing")
    ports = {name: number for name, number in _read_ports(fields.mapping("ports")) if number}
    if address.startswith(UNIX):
        if ports:
            fields.wrong("ports", "expected no ports beside a UNIX socket, got some")
    workload = Workload(
        canonical_ip(address) if is_ip_address(address) else address, ports, fields.text_map("labels", key=label_key, value=label_value), network,
        _read_locality(fields), fields.number("weight", low=0, high=MAX_WEIGHT), fields.text("serviceAccount", check=subdomain_name),
    )
    fields.finish()
    return workload


def _read_ports(ports: Fields) -> list[tuple[str, int]]:
    for name in ports.values:
        if label_name(name):
            ports.wrong(name, f"expected {label_name(name)} as key")
    return [(name, ports.port(name)) for name in ports.values]


def workload_address(text: str) -> str:
    """Check an endpoint's address."""
    if text.startswith(UNIX):
        path = text.removeprefix(UNIX)
        return "" if path[:1] in ("/", "@") and len(path) > 1 and path[-1] != "/" else "a UNIX socket such as unix:///run/web.sock"
    if is_ip_address(text):
        return ""
    return "an IP address, a DNS name or unix:///path" if "*" in text or wildcard_host(text) else ""


def _read_locality(fields: Fields) -> Locality:
    text = fields.text("locality", check=lambda text: "region/zone/subzone" if text.count("/") > 2 else one_line(text))
    labels = fields.values.get("labels")
    label = labels.get(LOCALITY_LABEL) if isinstance(labels, dict) else None
    return parse_locality(text or (label.replace(".", "/") if isinstance(label, str) and label.count(".") <= 2 else ""))
