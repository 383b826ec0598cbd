"""What outbound clusters stand for: a service's port, or a subset of it, with the policy that holds there."""

from collections.abc import Iterator, Mapping

import attrs

from meshd.base.origins import Origin
from meshd.compile.destination_rules import HostRule
from meshd.compile.names import outbound_cluster, relayed_cluster
from meshd.compile.services import MeshPort, MeshService
from meshd.model.traffic_policy import TrafficPolicy

NO_POLICY = TrafficPolicy()
ALL: Mapping[str, str] = {}


@attrs.frozen
class Target:
    """
    One outbound cluster.

    Attributes:
        service: Whose.
        port: Which port.
        subset: Name of the subset; empty for all endpoints.
        labels: What endpoints of the subset have.
        policy: What holds for it; its `ports` have been settled.
        origins: The service, and the rules that the policy comes from.
        relayed: It is for TLS of the mesh that an edge passes on by its server name, which is the cluster's.
    """

    service: MeshService
    port: MeshPort
    subset: str = ""
    labels: Mapping[str, str] = ALL
    policy: TrafficPolicy = NO_POLICY
    origins: tuple[Origin, ...] = ()
    relayed: bool = False

    @property
    def name(self) -> str:
        """Name of the cluster."""
        if self.relayed:
            return relayed_cluster(self.port.number, self.service.host, self.subset)
        return outbound_cluster(self.port.number, self.service.host, self.subset)

    @property
    def passes_through(self) -> bool:
        """Whether connections go where the client meant to go, as the policy asks."""
        return self.policy.load_balancer is not None and self.policy.load_balancer.simple == "PASSTHROUGH"


def targets_of(service: MeshService, rule: HostRule | None) -> Iterator[Target]:
    """Yield a service's targets, port by port: all endpoints, then the subsets; aliases and UDP ports have none."""
    if service.resolution == "alias":
        return
    for port in service.ports:
        if port.protocol == "udp":
            continue
        if rule is None:
            yield Target(service, port, origins=(service.origin,))
            continue
        origins = (service.origin, *rule.origins)
        policy = override(NO_POLICY, rule.policy, port.number)
        yield Target(service, port, policy=policy, origins=origins)
        for subset in rule.subsets:
            yield Target(service, port, subset.name, subset.labels, override(policy, subset.policy, port.number), origins)


def override(base: TrafficPolicy, other: TrafficPolicy | None, port: int) -> TrafficPolicy:
    """
    Lay one policy over another for a port: field by field, but for what a port's own settings replace even where they say nothing.

    Source:
        Istio pilot/pkg/networking/util, MergeTrafficPolicy.
    """
    if other is None:
        return base
    own = other.ports.get(port)
    first = own if own is not None else other
    fallback = NO_POLICY if own is not None else base
    return TrafficPolicy(
        first.load_balancer or fallback.load_balancer, first.connection_pool or fallback.connection_pool,
        first.outlier_detection or fallback.outlier_detection, first.tls or fallback.tls, other.tunnel or base.tunnel,
        other.proxy_protocol or base.proxy_protocol, other.retry_budget or base.retry_budget,
    )
