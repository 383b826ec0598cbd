"""Listeners and filter chains in Envoy's v3 JSON."""

from collections.abc import Iterator

import attrs

from meshd.base.addresses import SocketAddress, is_ipv6
from meshd.snapshot.filter_chain import DownstreamTls, FilterChain, FilterChainMatch
from meshd.snapshot.filter_json import REFUSAL_LOGS, read_network_filter, write_network_filter
from meshd.snapshot.json_fields import Json, Message, Row, many, one, plain, seconds, texts, typed, typed_config, wrapped
from meshd.snapshot.listener import Listener, ListenerFilter, ListenerFilterName

_FILTERS = "envoy.filters.listener."
CIPHERS = (
    *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    *("AES256-GCM-SHA384", "AES128-GCM-SHA256"),
)  # Istio pilot/pkg/security/model
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
    return {"addressPrefix": address, "prefixLen": int(length or (128 if is_ipv6(address) else 32))}


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

def _secret(name: str) -> Json:
    """Name a secret that the agent on the machine hands out, as Istio does."""
    source = {"apiType": "GRPC", "grpcServices": [{"envoyGrpc": {"clusterName": "sds-grpc"}}], "setNodeOnFirstMessageOnly": True,
              "transportApiVersion": "V3"}
    return {"name": name, "sdsConfig": {"apiConfigSource": source, "initialFetchTimeout": "0s", "resourceApiVersion": "V3"}}


def _write_tls(tls: DownstreamTls) -> Json:
    trusted = {
        "defaultValidationContext": {"matchSubjectAltNames": [{"prefix": prefix} for prefix in tls.accepted_prefixes]},
        "validationContextSdsSecretConfig": _secret(tls.trusted_ca),
    }
    context = {
        "alpnProtocols": list(tls.application_protocols),
        "combinedValidationContext": trusted,
        "tlsCertificateSdsSecretConfigs": [_secret(tls.certificate)],
        "tlsParams": {"cipherSuites": list(CIPHERS), "tlsMaximumProtocolVersion": "TLSv1_3", "tlsMinimumProtocolVersion": "TLSv1_2"},
    }
    return typed("envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                 {"commonTlsContext": context, "requireClientCertificate": True})


def _read_tls(found: Json) -> DownstreamTls:
    context = typed_config(found)["commonTlsContext"]
    trusted = context["combinedValidationContext"]
    return DownstreamTls(
        tuple(context.get("alpnProtocols", ())),
        context["tlsCertificateSdsSecretConfigs"][0]["name"],
        trusted["validationContextSdsSecretConfig"]["name"],
        tuple(name["prefix"] for name in trusted["defaultValidationContext"].get("matchSubjectAltNames", ())),
    )


CHAIN = Message(
    FilterChain,
    (
        plain("name", "name", default=""),
        one("match", "filterChainMatch", message=MATCH, default=FilterChainMatch()),
        Row("filter", ("filters",), lambda config: [write_network_filter(config)], lambda found: read_network_filter(found[-1])),
        Row("tls", ("transportSocket",), _write_tls, _read_tls, None),
    ),
)


def _constants(listener: Listener) -> Json:
    return {"maxConnectionsToAcceptPerSocketEvent": 1} if listener.bind_to_port else {}


_LISTENER = Message(
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


def write_listener(listener: Listener) -> Json:
    """Give a listener; chains for mutual TLS stand among the others, as in Envoy."""
    return _LISTENER.write(attrs.evolve(listener, filter_chains=listener.filter_chains + listener.mutual_tls_chains))


def read_listener(found: Json) -> Listener:
    """Read a listener."""
    listener = _LISTENER.read(found)
    return attrs.evolve(
        listener, filter_chains=tuple(chain for chain in listener.filter_chains if chain.tls is None),
        mutual_tls_chains=tuple(chain for chain in listener.filter_chains if chain.tls is not None),
    )
