"""`meshctl proxy-config endpoint`: the addresses behind clusters."""

from meshd.base.addresses import format_address
from meshd.cli.found_out import OURS
from meshd.cli.proxy_config.filters import Filters, Json, cluster_order, find, read_place
from meshd.cli.proxy_config.view import Rows, View

HEALTHY = "HEALTHY"
UNIX = "unix://"


def select(dump: Json, filters: Filters) -> list[Json]:
    """Choose endpoints, those of static clusters too, and leave out what has none; sorted as clusters are."""
    inline = [cluster["loadAssignment"] for cluster in dump.get("clusters") or [] if cluster.get("loadAssignment")]
    chosen = []
    for assignment in (*(dump.get("endpoints") or []), *inline):
        if not filters.cluster or assignment.get("clusterName", "").lower() == filters.cluster.lower():
            kept = [
                {**place, "lbEndpoints": [endpoint for endpoint in place.get("lbEndpoints") or [] if _wanted(endpoint, filters)]}
                for place in assignment.get("endpoints") or []
            ]
            if any(place["lbEndpoints"] for place in kept):
                chosen.append({**assignment, "endpoints": [place for place in kept if place["lbEndpoints"]]})
    return sorted(chosen, key=lambda assignment: cluster_order(assignment.get("clusterName", "")))


def rows(assignments: list[Json], filters: Filters) -> Rows:
    """Give a row for each endpoint, sorted by address, port and cluster."""
    found = [
        (*_place_of(endpoint), assignment.get("clusterName", ""), status_of(endpoint), check_of(endpoint))
        for assignment in assignments for place in assignment["endpoints"] for endpoint in place["lbEndpoints"]
    ]
    return [
        (address if address.startswith(UNIX) else format_address(address, port), status, check, cluster)
        for address, port, cluster, status, check in sorted(found)
    ]


def status_of(endpoint: Json) -> str:
    """Give what discovery says of an endpoint; without a word it is healthy, as Envoy takes it."""
    status = endpoint.get("healthStatus", "UNKNOWN")
    return HEALTHY if status == "UNKNOWN" else str(status)


def check_of(endpoint: Json) -> str:
    """Give what the workers found out about an endpoint; a configuration that was only read knows nothing against it."""
    return str(find(endpoint, "metadata", "filterMetadata", OURS, "outlierCheck") or "OK")


def _place_of(endpoint: Json) -> tuple[str, int]:
    """Give address and port; of a UNIX socket `unix://path` and 0, as istioctl writes it."""
    message = endpoint.get("endpoint") or {}
    path = find(message, "address", "pipe", "path")
    return (f"{UNIX}{path}", 0) if path else read_place(message)


def _wanted(endpoint: Json, filters: Filters) -> bool:
    address, port = _place_of(endpoint)
    return (
        (not filters.address or address == filters.address.lower()) and (not filters.port or port == filters.port)
        and (not filters.status or status_of(endpoint) == filters.status.upper())
    )


VIEW = View(
    aliases=("endpoints", "ep"),
    help="Endpoints: the addresses behind clusters.",
    options=("address", "port", "cluster", "status"),
    part="endpoints",
    select=select,
    header=("ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"),
    rows=rows,
)
