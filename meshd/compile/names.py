"""Names of clusters and listeners, as Istio forms them (and, for inbound pass-through, as the article of the seed has them)."""

BLACK_HOLE = "BlackHoleCluster"
PASSTHROUGH = "PassthroughCluster"
DYNAMIC_DNS = "AllowAnyDynamicDNSCluster"
INBOUND_PASSTHROUGH_V4 = "InboundPassthroughClusterIpv4"
INBOUND_PASSTHROUGH_V6 = "InboundPassthroughClusterIpv6"
INBOUND_PASSTHROUGH_TODAY = "InboundPassthroughCluster"  # Istio's one name for both, since 1.22
PASSTHROUGH_CHAIN = "PassthroughFilterChain"
VIRTUAL_OUTBOUND = "virtualOutbound"
VIRTUAL_INBOUND = "virtualInbound"

UNSPECIFIED = "0.0.0.0"
UNSPECIFIED_V6 = "::"


def service_host(name: str, namespace: str, domain_suffix: str) -> str:
    """Give the full name of a Kubernetes service."""
    return f"{name}.{namespace}.svc.{domain_suffix}"


def outbound_cluster(port: int, host: str, subset: str = "") -> str:
    """Give `outbound|PORT|SUBSET|HOST`."""
    return f"outbound|{port}|{subset}|{host}"


def relayed_cluster(port: int, host: str, subset: str = "") -> str:
    """Give `outbound_.PORT_.SUBSET_.HOST`, which is the server name of the mesh's TLS, too."""
    return f"outbound_.{port}_.{subset}_.{host}"


def inbound_cluster(port: int) -> str:
    """Give `inbound|PORT||`; the port is the workload's own, not the service's."""
    return f"inbound|{port}||"


def listener_name(address: str, port: int) -> str:
    """Give `ADDRESS_PORT`, IPv6 without brackets."""
    return f"{address}_{port}"


def service_route(host: str, port: int) -> str:
    """Give `HOST:PORT`: the name of a virtual host, and of the route configuration of a listener that belongs to one service."""
    return f"{host}:{port}"
