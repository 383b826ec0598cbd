"""`kind: Mesh`: the fields of Istio's MeshConfig that concern the whole mesh, under `spec`."""

from typing import Literal

import attrs

from meshd.base.origins import Origin
from meshd.model.metadata import Metadata

OutboundPolicy = Literal["ALLOW_ANY", "REGISTRY_ONLY"]
Normalization = Literal["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]


@attrs.frozen
class Mesh:
    """
    MeshConfig; a field that is absent has Istio's default, but for the access log, which is on.

    Attributes:
        metadata: Identity.
        outbound_traffic_policy: What happens to unknown destinations.
        inbound_to_localhost: `inboundTrafficPolicy: LOCALHOST`: inbound clusters are 127.0.0.1 instead of the original destination.
        access_log_file: Path; empty switches the log off; None: `access.log` in the log directory.
        access_log_format: Envoy format string, empty for the default; with JSON, a JSON object.
        access_log_encoding: `TEXT` or `JSON`.
        protocol_detection_timeout: Seconds; 0 waits for ever.
        connect_timeout: Seconds.
        path_normalization: Of requests.
        trust_domain: SPIFFE trust domain.
        domain_suffix: DNS suffix of services.
        root_namespace: Where mesh-wide resources live.
        default_service_export_to: Visibility of services that say nothing.
    """

    metadata: Metadata
    outbound_traffic_policy: OutboundPolicy = "ALLOW_ANY"
    inbound_to_localhost: bool = False
    access_log_file: str | None = None
    access_log_format: str = ""
    access_log_encoding: Literal["TEXT", "JSON"] = "TEXT"
    protocol_detection_timeout: float = 0.0
    connect_timeout: float = 10.0
    path_normalization: Normalization = "BASE"
    trust_domain: str = "cluster.local"
    domain_suffix: str = "cluster.local"
    root_namespace: str = "istio-system"
    default_service_export_to: tuple[str, ...] = ("*",)


DEFAULT_MESH = Mesh(Metadata("default", Origin("defaults")))
