"""Listeners and filter chains in Envoy's v3 JSON."""

from collections.abc import Iterator
from typing import Any

import attrs

from meshd.base.addresses import SocketAddress, is_ip_address
from meshd.snapshot.access_log_json import REFUSAL_LOGS
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.filter_json import read_network_filters, write_network_filter
from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    check_unasked,
    flag,
    kind_of,
    many,
    one,
    read_int,
    read_many,
    read_text,
    seconds,
    text,
    texts,
    typed,
    typed_config,
    whole,
    word,
    wrapped,
)
from meshd.snapshot.listener import Direction, Listener, ListenerFilter, ListenerFilterName
from meshd.snapshot.noted_json import FieldError, Noted
from meshd.snapshot.ranges_json import read_ranges, write_ranges
from meshd.snapshot.tls_json import DOWNSTREAM

_FILTERS = "envoy.filters.listener."
_KINDS: dict[ListenerFilterName, tuple[str, Json]] = {
    "original_dst": ("envoy.extensions.filters.listener.original_dst.v3.OriginalDst", {}),
    "tls_inspector": ("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", {"initialReadBufferSize": 512}),
    "http_inspector": ("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector", {}),
}
_BY_KIND = {kind: name for name, (kind, _config) in _KINDS.items()}
_BY_NAME = {_FILTERS + name: kind for name, (kind, _config) in _KINDS.items()}


def _write_filter(found: ListenerFilter) -> Json:
    kind, config = _KINDS[found.name]
    message = typed(_FILTERS + found.name, kind, config)
    rules = [{"destinationPortRange": {"start": start, "end": end}} for start, end in found.disabled_ports]
    if rules:
        message["filterDisabled"] = rules[0] if len(rules) == 1 else {"orMatch": {"rules": rules}}
    return message


def _read_filter(found: Any) -> ListenerFilter:
    kind = kind_of(found, _BY_NAME.get(str(found.get("name")), "") if isinstance(found, dict) else "")
    place = found.place if isinstance(found, Noted) else ""
    if kind not in _BY_KIND:
        raise FieldError(place, f"expected one of {', '.join(_BY_NAME)}, found {kind or found.get('name')}")
    config = typed_config(found)
    if isinstance(config, Noted):
        check_unasked(config, kind.rpartition(".")[2])
    return ListenerFilter(_BY_KIND[kind], tuple(_read_ports(found.get("filterDisabled", {}))))


def _read_ports(predicate: Json) -> Iterator[tuple[int, int]]:
    either = predicate.get("orMatch")
    for rule in either["rules"] if either is not None else [predicate] if predicate else []:
        ports = rule.get("destinationPortRange")
        if ports is None:
            raise ValueError(f"expected destinationPortRange, found {', '.join(rule)}")
        yield read_int(ports.get("start", 0)), read_int(ports.get("end", 0))


def _read_ip(found: Any) -> str:
    if not is_ip_address(read_text(found)):
        raise ValueError(f"expected an IP address, found {found!r}")
    return str(found)


def _read_port(found: Any) -> int:
    port = read_int(found)
    if port > 65535:
        raise ValueError(f"expected a port, found {port}")
    return port


ADDRESS = Message(
    SocketAddress,
    (Row("address", ("socketAddress", "address"), read=_read_ip), Row("port", ("socketAddress", "portValue"), read=_read_port)),
)
"""An address to listen on."""

MATCH = Message(
    FilterChainMatch,
    (
        wrapped("destination_port", "destinationPort", default=None),
        Row("prefix_ranges", ("prefixRanges",), write_ranges, read_ranges, ()),
        texts("server_names", "serverNames"),
        text("transport_protocol", "transportProtocol", default=""),
        texts("application_protocols", "applicationProtocols"),
    ),
)

CHAIN = Message(
    FilterChain,
    (
        text("name", "name", default=""),
        one("match", "filterChainMatch", message=MATCH, default=FilterChainMatch()),
        Row("filter", ("filters",), lambda config: [write_network_filter(config)], read_network_filters),
        DOWNSTREAM,
        seconds("handshake_timeout", "transportSocketConnectTimeout", default=0.0),
    ),
)


def _constants(listener: Listener) -> Json:
    return {"maxConnectionsToAcceptPerSocketEvent": 1} if listener.bind_to_port else {}


def _write_additional(addresses: tuple[SocketAddress, ...]) -> list[Json]:
    return [{"address": ADDRESS.write(address)} for address in addresses]


def _read_additional(found: Any) -> tuple[SocketAddress, ...]:
    return read_many(found, whole(lambda item: ADDRESS.read(item["address"]), "AdditionalAddress"))


_LISTENER = Message(
    Listener,
    (
        text("name", "name", default=""),
        one("address", "address", message=ADDRESS),
        Row("additional_addresses", ("additionalAddresses",), _write_additional, _read_additional, ()),
        many("filter_chains", "filterChains", message=CHAIN),
        one("default_filter_chain", "defaultFilterChain", message=CHAIN, default=None),
        flag("bind_to_port", "bindToPort", default=True),
        flag("use_original_dst", "useOriginalDst", default=False),
        Row("listener_filters", ("listenerFilters",), lambda filters: [_write_filter(found) for found in filters],
            lambda found: read_many(found, _read_filter), ()),
        seconds("listener_filters_timeout", "listenerFiltersTimeout", default=15.0),
        flag("continue_on_listener_filters_timeout", "continueOnListenerFiltersTimeout", default=False),
        word("direction", "trafficDirection", words=Direction, default="UNSPECIFIED"),
        wrapped("buffer_limit", "perConnectionBufferLimitBytes", default=1024 * 1024),
        REFUSAL_LOGS,
    ),
    _constants,
)


def write_listener(listener: Listener) -> Json:
    """Give a listener; chains for mutual TLS stand among the others, as in Envoy."""
    return _LISTENER.write(attrs.evolve(listener, filter_chains=listener.filter_chains + listener.mutual_tls_chains))


def read_listener(found: Any) -> Listener:
    """
    Read a listener; one without a name is called after its address.

    Raises:
        FieldError: If it cannot be read.
    """
    listener = _LISTENER.read(found)
    return attrs.evolve(listener, name=listener.name or str(listener.address))
