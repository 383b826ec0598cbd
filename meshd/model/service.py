"""Kubernetes Service."""

from collections.abc import Mapping

import attrs

from meshd.model.metadata import Metadata


@attrs.frozen
class ServicePort:
    """
    One port of a service.

    Attributes:
        port: What clients dial.
        name: May be empty.
        target_port: Number, or name of a container port; 0 stands for "same as port".
        protocol: `TCP`, `UDP` or `SCTP`.
        app_protocol: As written; empty when absent.
    """

    port: int
    name: str = ""
    target_port: int | str = 0
    protocol: str = "TCP"
    app_protocol: str = ""


@attrs.frozen
class Service:
    """
    A Kubernetes Service.

    Attributes:
        metadata: Identity.
        type: `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
        cluster_ips: Addresses; empty for headless services and ExternalName.
        headless: `clusterIP: None`.
        ports: In order.
        selector: Pod labels; empty: endpoints are managed by hand.
        external_name: For ExternalName.
        external_ips: Further addresses.
        publish_not_ready_addresses: Unready endpoints count as ready.
        internal_traffic_policy: `Cluster` or `Local`.
        traffic_distribution: `PreferClose`... or empty.
    """

    metadata: Metadata
    type: str = "ClusterIP"
    cluster_ips: tuple[str, ...] = ()
    headless: bool = False
    ports: tuple[ServicePort, ...] = ()
    selector: Mapping[str, str] = attrs.field(factory=dict)
    external_name: str = ""
    external_ips: tuple[str, ...] = ()
    publish_not_ready_addresses: bool = False
    internal_traffic_policy: str = "Cluster"
    traffic_distribution: str = ""
