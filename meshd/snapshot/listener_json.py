"""Listeners and filter chains in Envoy's v3 JSON."""

from collections.abc import Iterator

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.filter_json import REFUSAL_LOGS, read_network_filter, write_network_filter
from meshd.snapshot.json_fields import Json, Message, Row, many, one, plain, seconds, texts, typed, wrapped
from meshd.snapshot.listener import Listener, ListenerFilter, ListenerFilterName

_FILTERS = "envoy.filters.listener."
_KINDS: dict[ListenerFilterName, tuple[str, Json]] = {
    "original_dst": ("envoy.extensions.filters.listener.original_dst.v3.OriginalDst", {}),
    "tls_inspector": ("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", {"initialReadBufferSize": 512}),
    "http_inspector": ("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector", {}),
}


def _write_filter(found: ListenerFilter) -> Json:
    kind, config = _KINDS[found.name]
    message = typed(_FILTERS + found.name, kind, config)
    rules = [{"destinationPortRange": {"start": start, "end": end}} for start, end in found.disabled_ports]
    if rules:
        message["filterDisabled"] = rules[0] if len(rules) == 1 else {"orMatch": {"rules": rules}}
    return message


def _read_filter(found: Json) -> ListenerFilter:
    name = found["name"].removeprefix(_FILTERS)
    if name not in _KINDS:
        raise ValueError(f"expected one of {', '.join(_KINDS)}, found {name}")
    return ListenerFilter(name, tuple(_read_ports(found.get("filterDisabled", {}))))


def _read_ports(predicate: Json) -> Iterator[tuple[int, int]]:
    for rule in predicate.get("orMatch", {}).get("rules", [predicate] if predicate else []):
        ports = rule.get("destinationPortRange")
        if ports is None:
            raise ValueError(f"expected destinationPortRange, found {', '.join(rule)}")
        yield int(ports["start"]), int(ports["end"])


def _write_range(cidr: str) -> Json:
    address, _slash, length = cidr.partition("/")
    return {"addressPrefix": address, "prefixLen": int(length)}


def _read_range(found: Json) -> str:
    length = found.get("prefixLen", 0)
    return f"{found['addressPrefix']}/{length.get('value', 0) if isinstance(length, dict) else length}"


ADDRESS = Message(SocketAddress, (plain("address", "socketAddress", "address"), wrapped("port", "socketAddress", "portValue")))

MATCH = Message(
    FilterChainMatch,
    (
        wrapped("destination_port", "destinationPort", default=None),
        Row("prefix_ranges", ("prefixRanges",), lambda ranges: [_write_range(cidr) for cidr in ranges],
            lambda found: tuple(_read_range(cidr) for cidr in found), ()),
        texts("server_names", "serverNames"),
        plain("transport_protocol", "transportProtocol", default=""),
        texts("application_protocols", "applicationProtocols"),
    ),
)

CHAIN = Message(
    FilterChain,
    (
        plain("name", "name", default=""),
        one("match", "filterChainMatch", message=MATCH, default=FilterChainMatch()),
        Row("filter", ("filters",), lambda config: [write_network_filter(config)], lambda found: read_network_filter(found[-1])),
    ),
)


def _constants(listener: Listener) -> Json:
    return {"maxConnectionsToAcceptPerSocketEvent": 1} if listener.bind_to_port else {}


LISTENER = Message(
    Listener,
    (
        plain("name", "name"),
        one("address", "address", message=ADDRESS),
        Row("additional_addresses", ("additionalAddresses",), lambda addresses: [{"address": ADDRESS.write(address)} for address in addresses],
            lambda found: tuple(ADDRESS.read(address["address"]) for address in found), ()),
        many("filter_chains", "filterChains", message=CHAIN),
        one("default_filter_chain", "defaultFilterChain", message=CHAIN, default=None),
        plain("bind_to_port", "bindToPort", default=True),
        plain("use_original_dst", "useOriginalDst", default=False),
        Row("listener_filters", ("listenerFilters",), lambda filters: [_write_filter(found) for found in filters],
            lambda found: tuple(_read_filter(config) for config in found), ()),
        seconds("listener_filters_timeout", "listenerFiltersTimeout", default=15.0),
        plain("continue_on_listener_filters_timeout", "continueOnListenerFiltersTimeout", default=False),
        plain("direction", "trafficDirection", default="UNSPECIFIED"),
        REFUSAL_LOGS,
    ),
    _constants,
)
