"""`meshctl proxy-config cluster`: the groups of endpoints."""

from meshd.cli.proxy_config.filters import Filters, Json, cluster_order, describe_management, read_subset_key
from meshd.cli.proxy_config.view import Rows, View


def select(dump: Json, filters: Filters) -> list[Json]:
    """Choose clusters by what their names hold; sorted by host, subset, port and direction."""
    chosen = [
        cluster for cluster in dump.get("clusters") or []
        if all(part in cluster["name"] for part in (filters.fqdn, filters.direction, filters.subset))
        and (not filters.port or f"|{filters.port}|" in cluster["name"])
    ]
    return sorted(chosen, key=lambda cluster: cluster_order(cluster["name"]))


def rows(clusters: list[Json], filters: Filters) -> Rows:
    """Give a row for each cluster."""
    found: Rows = []
    for cluster in clusters:
        direction, subset, host, port = read_subset_key(cluster["name"])
        named = (host, str(port), subset or "-", direction) if direction else (cluster["name"], "-", "-", "-")
        found.append((*named, str(cluster.get("type", "STATIC")), describe_management(cluster)))
    return found


VIEW = View(
    aliases=("clusters", "c"),
    help="Clusters: the groups of endpoints.",
    options=("fqdn", "port", "subset", "direction"),
    part="clusters",
    select=select,
    header=("SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"),
    rows=rows,
)
