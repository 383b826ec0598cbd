"""What is served, in the frame of Envoy's own `/config_dump`, so that tools which read that can read ours."""

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = "type.googleapis.com/envoy."
_ADMIN = f"{_TYPES}admin.v3."


def config_dump(snapshot: Mapping[str, Any], versions: Mapping[str, str], updated: str) -> dict[str, Any]:
    """
    Give the dump.

    Args:
        snapshot: As `snapshot.envoy_json.to_json` gives it; empty before there is any.
        versions: Of each part.
        updated: When it was made, RFC 3339.

    Source:
        envoy/admin/v3/config_dump_shared.proto; `istioctl proxy-config -f` reads these fields.
    """
    def entries(part: str, field: str, kind: str) -> list[dict[str, Any]]:
        found: Sequence[Mapping[str, Any]] = snapshot.get(part, ())
        return [{"version_info": versions.get(part, ""), field: {"@type": _TYPES + kind, **item}, "last_updated": updated} for item in found]

    listeners = entries("listeners", "listener", "config.listener.v3.Listener")
    return {"configs": [
        {"@type": f"{_ADMIN}ClustersConfigDump", "version_info": versions.get("clusters", ""),
         "dynamic_active_clusters": entries("clusters", "cluster", "config.cluster.v3.Cluster")},
        {"@type": f"{_ADMIN}EndpointsConfigDump",
         "dynamic_endpoint_configs": entries("endpoints", "endpoint_config", "config.endpoint.v3.ClusterLoadAssignment")},
        {"@type": f"{_ADMIN}ListenersConfigDump", "version_info": versions.get("listeners", ""),
         "dynamic_listeners": [{"name": entry["listener"].get("name", ""), "active_state": entry} for entry in listeners]},
        {"@type": f"{_ADMIN}RoutesConfigDump",
         "dynamic_route_configs": entries("routes", "route_config", "config.route.v3.RouteConfiguration")},
        {"@type": f"{_ADMIN}SecretsConfigDump",
         "dynamic_active_secrets": [{"name": item.get("name", ""), "last_updated": updated, "secret": item} for item in snapshot.get("secrets", ())]},
    ]}
