"""Builds ServiceEntries, WorkloadEntries, DestinationRules and targets for the compiler's tests, with little typing."""

from collections.abc import Mapping
from typing import Any

from meshd.base.locality import parse_locality
from meshd.compile.services import MeshService, read_entry
from meshd.compile.targets import NO_POLICY, Target
from meshd.model.destination_rule import DestinationRule, Subset
from meshd.model.service_entry import EntryPort, ServiceEntry
from meshd.model.traffic_policy import TrafficPolicy
from meshd.model.workload_entry import Workload, WorkloadEntry
from tests.helpers.services import mesh_service, metadata, port, service


def entry(name: str, *hosts: str, ports: Mapping[int, str] | None = None, namespace: str = "default", created: str = "", **more: Any) -> ServiceEntry:
    """Give a ServiceEntry; `ports` are protocols by number, named `p80`; without any it has port 80, HTTP; without hosts `NAME.example`."""
    listed = tuple(EntryPort(number, f"p{number}", protocol) for number, protocol in ({80: "HTTP"} if ports is None else ports).items())
    return ServiceEntry(metadata("ServiceEntry", name, namespace, created=created), hosts or (f"{name}.example",), ports=listed, **more)


def entry_service(name: str, *hosts: str, **more: Any) -> MeshService:
    """Give the one host of a ServiceEntry as the compiler sees it."""
    (found,) = read_entry(entry(name, *hosts, **more))
    return found


def workload(address: str, labels: Mapping[str, str] | None = None, locality: str = "", **more: Any) -> Workload:
    """Give an endpoint as ServiceEntries and WorkloadEntries have them."""
    return Workload(address, labels=labels or {}, locality=parse_locality(locality), **more)


def workload_entry(name: str, address: str, labels: Mapping[str, str] | None = None, namespace: str = "default", **more: Any) -> WorkloadEntry:
    """Give a WorkloadEntry."""
    return WorkloadEntry(metadata("WorkloadEntry", name, namespace), workload(address, labels, **more))


def rule(name: str, host: str, policy: TrafficPolicy | None = None, *subsets: Subset, namespace: str = "default", created: str = "",
         **more: Any) -> DestinationRule:
    """Give a DestinationRule."""
    return DestinationRule(metadata("DestinationRule", name, namespace, created=created), host, policy, subsets, **more)


def target(found: MeshService | None = None, policy: TrafficPolicy = NO_POLICY, subset: Subset | None = None) -> Target:
    """Give the target of a service's first port, or of port 80 of `web`; with a subset, its own."""
    of = found or mesh_service(service("web", port(80, "http")))
    chosen = subset or Subset("")
    return Target(of, of.ports[0], chosen.name, chosen.labels, policy, (of.origin,))
