"""From a call's connection to its filter chain: listener, inspectors, match."""

import ipaddress
from collections.abc import Callable, Sequence

import attrs

from meshd.base.addresses import SocketAddress, canonical_ip, format_address
from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.snapshot import Snapshot

WILDCARDS = {4: "0.0.0.0", 6: "::"}
SNIFFED = {"http": "http/1.1", "http2": "h2c"}


@attrs.frozen
class Detected:
    """What a listener's inspectors find out about a connection."""

    transport_protocol: str
    application_protocols: tuple[str, ...]
    server_name: str


def find_listener(snapshot: Snapshot, call: Call, answer: Answer) -> Listener | None:
    """Return the listener whose filter chains are chosen among, or None where nothing listens."""
    entry = _entry(snapshot, call)
    place = format_address(call.address, call.port)
    if entry is None:
        answer.passed("listener", f"nothing takes {call.direction} connections to {place}")
        return None
    answer.took(f"listener {entry.name}", f"takes {call.direction} connections to {place}", entry.origins)
    if not entry.use_original_dst:
        return entry
    others = [listener for listener in snapshot.listeners.values() if not listener.use_original_dst]
    for address in (call.address, WILDCARDS[ipaddress.ip_address(call.address).version]):
        for listener in others:
            if _listens_at(listener, address, call.port):
                why = f"stands for the original destination {place}" if address == call.address else f"stands for port {call.port} of all addresses"
                answer.took(f"listener {listener.name}", why, listener.origins)
                return listener
    answer.passed("listener", f"no listener stands for the original destination {place}, so {entry.name} keeps the connection")
    return entry


def _entry(snapshot: Snapshot, call: Call) -> Listener | None:
    """Return the listener whose socket takes the connection in, after capture if there is one."""
    bound = [listener for listener in snapshot.listeners.values() if listener.bind_to_port]
    own = next((listener for listener in bound if _listens_at(listener, call.address, call.port)), None)
    if call.direction == "inbound" and own is not None:  # what clients connect to without capture
        return own
    for listener in bound:
        restores = any(inspector.name == "original_dst" for inspector in listener.listener_filters)
        if call.direction == "outbound" and listener.use_original_dst:
            return listener
        if call.direction == "inbound" and listener.direction == "INBOUND" and restores and not listener.use_original_dst:
            return listener
    for address in (call.address, WILDCARDS[ipaddress.ip_address(call.address).version]):
        for listener in bound:
            if _listens_at(listener, address, call.port):
                return listener
    return None


def _listens_at(listener: Listener, address: str, port: int) -> bool:
    return any(place.port == port and _same(place, address) for place in (listener.address, *listener.additional_addresses))


def _same(place: SocketAddress, address: str) -> bool:
    try:
        return canonical_ip(place.address) == canonical_ip(address)
    except ValueError:
        return False


def inspect(listener: Listener, call: Call, answer: Answer) -> Detected:
    """Return what the listener's inspectors tell of a connection."""
    looked = {inspector.name for inspector in listener.listener_filters
              if not any(start <= call.port < end for start, end in inspector.disabled_ports)}
    if call.tls != "none":
        if "tls_inspector" not in looked:
            answer.passed("tls_inspector", "not looking at this port: TLS is opaque bytes here")
            return Detected("raw_buffer", (), "")
        answer.took("tls_inspector", f"TLS with server name {call.sni or '(none)'} and protocols {', '.join(call.alpn) or '(none)'}")
        return Detected("tls", call.alpn, call.sni)
    if "http_inspector" not in looked:
        answer.passed("http_inspector", "not looking at this port")
        return Detected("raw_buffer", (), "")
    protocol = SNIFFED.get(call.protocol, "")
    if not protocol:
        answer.passed("http_inspector", "the first bytes are no HTTP")
        return Detected("raw_buffer", (), "")
    answer.took("http_inspector", f"the first bytes are {protocol}")
    return Detected("raw_buffer", (protocol,), "")


def find_chain(listener: Listener, call: Call, detected: Detected, answer: Answer) -> FilterChain | None:
    """
    Return the filter chain of a connection, or None.

    Source:
        Envoy's FilterChainMatch: criteria in order, each keeping only the chains that are most specific about it.
    """
    left: Sequence[FilterChain] = listener.filter_chains
    for criterion, found, asked, rank in _criteria(call, detected):
        ranks = [(rank(chain.match), chain) for chain in left]
        best = max((value for value, _ in ranks), default=-1)
        left = [chain for value, chain in ranks if value == best and value >= 0]
        for value, chain in ranks:
            if value < 0:
                answer.passed(f"filter chain {chain.name}", f"{criterion} is {found or '(none)'}, not {_listed(asked(chain.match))}", chain.origins)
            elif value < best:
                answer.passed(f"filter chain {chain.name}", f"another is more specific about {criterion}", chain.origins)
    if left:
        for chain in listener.filter_chains[:listener.filter_chains.index(left[0]) + 1]:
            for rule in chain.passed_over:
                answer.passed(rule.name, rule.why, rule.origins)
        answer.took(f"filter chain {left[0].name}", "matches best", left[0].origins)
        return left[0]
    default = listener.default_filter_chain
    if default is None:
        answer.passed("filter chain", "none matches, and there is no default")
    else:
        answer.took(f"filter chain {default.name}", "none matches, so the default is taken", default.origins)
    return default


Asked = Callable[[FilterChainMatch], Sequence[object]]
Rank = Callable[[FilterChainMatch], int]
MOST_LISTED = 5


def _criteria(call: Call, detected: Detected) -> list[tuple[str, str, Asked, Rank]]:
    """
    Return the criteria in order.

    Returns:
        Of each its name, what the connection has, what a chain asks for, and its rank for a chain: -1 does not match, 0 asks for nothing, more is
        more specific.
    """
    return [
        ("destination port", str(call.port), lambda match: (match.destination_port,),
         lambda match: 0 if match.destination_port is None else 1 if match.destination_port == call.port else -1),
        ("destination address", call.address, lambda match: match.prefix_ranges, lambda match: _address_rank(match.prefix_ranges, call.address)),
        ("server name", detected.server_name, lambda match: match.server_names, lambda match: _name_rank(match.server_names, detected.server_name)),
        ("transport protocol", detected.transport_protocol, lambda match: (match.transport_protocol,),
         lambda match: _either(match.transport_protocol, detected.transport_protocol)),
        ("application protocol", " or ".join(detected.application_protocols), lambda match: match.application_protocols,
         lambda match: _protocol_rank(match.application_protocols, detected.application_protocols)),
    ]


def _listed(values: Sequence[object]) -> str:
    """Return some values in words; of many the first ones."""
    more = f" or {len(values) - MOST_LISTED} more" if len(values) > MOST_LISTED else ""
    return " or ".join(map(str, values[:MOST_LISTED])) + more


def _either(wanted: str, found: str) -> int:
    return 0 if not wanted else 1 if wanted == found else -1


def _address_rank(ranges: Sequence[str], address: str) -> int:
    if not ranges:
        return 0
    ip = ipaddress.ip_address(canonical_ip(address))
    networks = [ipaddress.ip_network(cidr, strict=False) for cidr in ranges]
    return max((network.prefixlen for network in networks if network.version == ip.version and ip in network), default=-1)


def _name_rank(names: Sequence[str], name: str) -> int:
    """Rank an exact name above all; of wildcards the longer; `*.a` covers `b.a` and `c.b.a`, not `.a` nor `a`."""
    ranks = [-1] if names else [0]
    for wanted in (wanted.lower() for wanted in names):
        if wanted == "*":
            ranks.append(0)
        elif wanted == name:
            ranks.append(1000)
        elif wanted.startswith("*.") and len(wanted) > 2 and name[1:].endswith(wanted[1:]):
            ranks.append(len(wanted))
    return max(ranks)


def _protocol_rank(wanted: Sequence[str], offered: Sequence[str]) -> int:
    """Rank what the client offers first above all."""
    if not wanted:
        return 0
    return max((len(offered) - place for place, protocol in enumerate(offered) if protocol in wanted), default=-1)
