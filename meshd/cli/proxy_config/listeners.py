"""`meshctl proxy-config listener`: which connections go where."""

from meshd.cli.proxy_config.filters import Filters, Json, find, read_place
from meshd.cli.proxy_config.view import Rows, View

PROTOCOLS = {
    ("http/1.0", "http/1.1", "h2c", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "App: HTTP TLS",
    ("istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "App: Istio HTTP Plain",
    ("istio-peer-exchange", "istio"): "App: TCP TLS",
    ("http/1.0", "http/1.1", "h2c"): "App: HTTP",
}
"""Sets of application protocols that istioctl has names for."""

HTTP = "envoy.filters.network.http_connection_manager"
TCP = "envoy.filters.network.tcp_proxy"
NEITHER = "Non-HTTP/Non-TCP"


def select(dump: Json, filters: Filters) -> list[Json]:
    """Choose listeners; sorted by port, address and type."""
    chosen = [
        listener for listener in dump.get("listeners") or []
        if (not filters.address or filters.address.lower() in addresses_of(listener))
        and (not filters.port or read_place(listener)[1] == filters.port)
        and (not filters.kind or type_of(listener) == filters.kind.upper())
    ]
    return sorted(chosen, key=lambda listener: (read_place(listener)[1], read_place(listener)[0], type_of(listener)))


def rows(listeners: list[Json], filters: Filters) -> Rows:
    """Give a row for each filter chain, those of one listener by falling destination."""
    found: Rows = []
    for listener in listeners:
        place = (",".join(addresses_of(listener)), str(read_place(listener)[1]))
        matches = [(describe_match(chain), describe_destination(chain)) for chain in chains_of(listener)]
        found += [(*place, match, destination) for match, destination in sorted(matches, key=lambda pair: pair[1], reverse=True)]
    return found


def short_rows(listeners: list[Json], filters: Filters) -> Rows:
    """Give a row for each listener."""
    return [(",".join(addresses_of(listener)), str(read_place(listener)[1]), type_of(listener)) for listener in listeners]


def addresses_of(listener: Json) -> list[str]:
    """Give a listener's address and its additional ones."""
    return [read_place(place)[0] for place in (listener, *(listener.get("additionalAddresses") or []))]


def chains_of(listener: Json) -> list[Json]:
    """Give a listener's filter chains, the default chain last."""
    default = listener.get("defaultFilterChain")
    return [*(listener.get("filterChains") or []), *([default] if default else [])]


def type_of(listener: Json) -> str:
    """Give `HTTP`, `TCP`, `HTTP+TCP`, or `UNKNOWN` where nothing is forwarded."""
    filters = [(filter_["name"], config_of(filter_)) for chain in chains_of(listener) for filter_ in chain.get("filters") or []]
    http = any(name == HTTP for name, _ in filters)
    tcp = any(name == TCP and "BlackHoleCluster" not in str(config) for name, config in filters)
    return {(True, True): "HTTP+TCP", (True, False): "HTTP", (False, True): "TCP"}.get((http, tcp), "UNKNOWN")


def config_of(filter_: Json) -> Json:
    """Give a filter's typed configuration."""
    return filter_.get("typedConfig") or {}


def describe_match(chain: Json) -> str:
    """Give what a filter chain asks of a connection: `Trans: raw_buffer; App: http/1.1,h2c`, or `ALL`."""
    match = chain.get("filterChainMatch") or {}
    parts = []
    if match.get("serverNames"):
        parts.append(f"SNI: {','.join(match['serverNames'])}")
    if match.get("transportProtocol"):
        parts.append(f"Trans: {match['transportProtocol']}")
    protocols = tuple(match.get("applicationProtocols") or ())
    if protocols:
        parts.append(PROTOCOLS.get(protocols) or f"App: {','.join(protocols)}")
    port = f":{match['destinationPort']}" if match.get("destinationPort") is not None else ""
    ranges = [f"{found['addressPrefix']}/{found.get('prefixLen', 0)}" for found in match.get("prefixRanges") or []]
    if ranges:
        parts.append(f"Addr: {','.join(ranges)}{port}")
    elif port:
        parts.append(f"Addr: *{port}")
    return "; ".join(parts) or "ALL"


def describe_destination(chain: Json) -> str:
    """Give where a filter chain leads: `Route: 80`, `Cluster: outbound|80||...`, `PassthroughCluster`, `Inline Route: /*`."""
    for filter_ in chain.get("filters") or []:
        config = config_of(filter_)
        if filter_["name"] == HTTP:
            if config.get("routeConfig"):
                return _describe_routes(config["routeConfig"])
            name = find(config, "rds", "routeConfigName")
            return f"Route: {name}" if name else "HTTP"
        if filter_["name"] == TCP and "BlackHoleCluster" not in str(config):
            if config.get("weightedClusters"):
                clusters = find(config, "weightedClusters", "clusters") or []
                return "Weighted: " + ", ".join(f"{found['name']} ({found.get('weight', 0)})" for found in clusters)
            return _cluster(str(config.get("cluster", "")))
    return NEITHER


def describe_route_match(match: Json) -> str:
    """Give what a route asks of a path: `/*`, `/exact`, `PathPrefix:/v1`, `regex ...`; headers are left out, as istioctl does."""
    parts = []
    if match.get("prefix"):
        parts.append(f"{match['prefix']}*")
    if match.get("pathSeparatedPrefix"):
        parts.append(f"PathPrefix:{match['pathSeparatedPrefix']}")
    if match.get("path"):
        parts.append(match["path"])
    if find(match, "safeRegex", "regex"):
        parts.append(f"regex {match['safeRegex']['regex']}")
    return " ".join(parts)


def _describe_routes(routes: Json) -> str:
    hosts = routes.get("virtualHosts") or []
    only = hosts[0].get("routes") or [] if len(hosts) == 1 and hosts[0].get("domains") == ["*"] else []
    if len(only) == 1 and find(only[0], "match", "prefix") == "/" and find(only[0], "route", "cluster"):
        return _cluster(only[0]["route"]["cluster"])
    described = []
    for host in hosts:
        domains = "" if host.get("domains") == ["*"] else "/".join(host.get("domains") or []) + " "
        described.append(domains + ", ".join(describe_route_match(route.get("match") or {}) for route in host.get("routes") or []))
    return f"Inline Route: {'; '.join(described)}"


def _cluster(name: str) -> str:
    return name if "Cluster" in name else f"Cluster: {name}"


VIEW = View(
    aliases=("listeners", "l"),
    help="Listeners: which connections go where.",
    options=("address", "port", "kind"),
    part="listeners",
    select=select,
    header=("ADDRESSES", "PORT", "MATCH", "DESTINATION"),
    rows=rows,
    short_header=("ADDRESSES", "PORT", "TYPE"),
    short_rows=short_rows,
)
