"""What happens when several services want a listener at one address and port."""

from collections.abc import Iterable
from typing import Literal

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.compile.protocols import HTTP_FAMILY, Protocol
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch

Kind = Literal["http", "tcp", "auto"]
MAX_NAMED = 3  # services that a Problem names
NEVER_SHARED: frozenset[Protocol] = frozenset({"mongo", "mysql"})  # Istio: their servers speak first, an inspector would hang them


@attrs.define(eq=False)
class Entry:
    """
    A listener while it is being gathered.

    Attributes:
        addresses: Where it stands; the first names it.
        port: Its port.
        protocol: Of what it holds; `auto` once it tells HTTP from TCP by the first bytes.
        chains: Its filter chains; one without a match becomes the default chain.
        origins: The services in it.
        bound: Clients connect to it themselves.
        taken: What its chains match, however it is written.
    """

    addresses: tuple[str, ...]
    port: int
    protocol: Protocol
    chains: list[FilterChain]
    origins: list[Origin]
    bound: bool = False
    taken: set[FilterChainMatch] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Note what the chains match."""
        self.taken = {_canonical(chain.match) for chain in self.chains}


Entries = dict[tuple[str, int], Entry]


def add_entry(entries: Entries, incoming: Entry, asked: Protocol) -> list[Problem]:
    """
    Add a service's listener to those that are there already, or settle the conflict as Istio does.

    Args:
        entries: Listeners by first address and port; changed in place.
        incoming: What the service wants, with the protocol that the entry would have alone.
        asked: The service port's own protocol.

    Returns:
        What the service did not get, told as warnings.

    Source:
        Istio pilot/pkg/networking/core/listener.go: services come oldest first, so the first stays; HTTP and TCP together become `auto`.
    """
    key = (incoming.addresses[0], incoming.port)
    current = entries.get(key)
    if current is None or asked == "http_proxy":
        entries[key] = incoming
        return []
    new, old = kind_of(asked), kind_of(current.protocol)
    if (new != "tcp" and old == "auto") or new == old == "http":
        current.origins += incoming.origins
        return [] if new == "http" else _lost(incoming, current)
    if asked != current.protocol and not NEVER_SHARED.isdisjoint((asked, current.protocol)):
        return _lost(incoming, current)
    if new == "auto" and old == "http":
        entries[key] = incoming
        return []
    if new != old and old != "auto":
        current.protocol = "auto"
    return _merge(current, incoming)


def kind_of(protocol: Protocol) -> Kind:
    """Give the kind of listener that a protocol asks for."""
    if protocol in HTTP_FAMILY:
        return "http"
    return "auto" if protocol == "auto" else "tcp"


def _merge(current: Entry, incoming: Entry) -> list[Problem]:
    fresh = [chain for chain in incoming.chains if _canonical(chain.match) not in current.taken]
    current.chains += fresh
    current.taken |= incoming.taken
    current.origins += incoming.origins
    return _lost(incoming, current) if len(fresh) < len(incoming.chains) else []


def _canonical(match: FilterChainMatch) -> FilterChainMatch:
    return attrs.evolve(match, server_names=tuple(sorted(match.server_names)), prefix_ranges=tuple(sorted(match.prefix_ranges)))


def _lost(incoming: Entry, current: Entry) -> list[Problem]:
    others = _named(origin for origin in current.origins if origin not in incoming.origins)
    if not others:
        return []
    place = f"{incoming.addresses[0]} port {incoming.port}"
    return [
        Problem(origin, f"expected {place} for itself, found it taken by {others}; connections there go to the other", "spec.ports",
                "give one of them another port, an address of its own, or a protocol that can be told apart", "warning")
        for origin in incoming.origins
    ]


def _named(origins: Iterable[Origin]) -> str:
    found: dict[str, None] = {}
    for origin in origins:
        found[origin.resource or origin.place] = None
        if len(found) > MAX_NAMED:
            return f"{', '.join(list(found)[:MAX_NAMED])} and others"
    return ", ".join(found)
