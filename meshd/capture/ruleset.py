"""The abstract ruleset: ordered rules that any backend can write; nothing here knows nft or iptables."""

from typing import Literal

import attrs

Family = Literal["", "ip", "ip6"]
ChainName = Literal["inbound", "outbound", "destinations", "dns"]
HookName = Literal["prerouting", "output"]
Protocol = Literal["tcp", "udp"]

HOOKS: tuple[tuple[HookName, Protocol, ChainName], ...] = (("prerouting", "tcp", "inbound"), ("output", "tcp", "outbound"), ("output", "udp", "dns"))
"""Which chain takes what of which hook: TCP connections, and DNS questions over UDP; `destinations` and `dns` are jumped to from `outbound`, too."""
DNS_PORT = 53


@attrs.frozen
class Return:
    """Leave the connection alone."""


@attrs.frozen
class Redirect:
    """Divert the connection to a local port; its original destination stays readable through SO_ORIGINAL_DST."""

    port: int


@attrs.frozen
class Jump:
    """Go on in another chain of ours."""

    chain: ChainName


Action = Return | Redirect | Jump


@attrs.frozen
class Rule:
    """
    One rule: conditions that all must hold, and what is done; an empty condition holds always.

    Every value is validated before it gets here (`reading.py`), so that backends may write it as it is.

    Attributes:
        action: What is done.
        family: Only IPv4 or only IPv6; set whenever an address is.
        in_interface / out_interface: Name; a trailing `*` stands for any rest.
        source: Address or CIDR, canonical, full-length prefixes without `/32` or `/128`.
        destination: The same.
        other_destination: `destination` must *not* match.
        foreign: The destination is no address of this machine (what is forwarded, as for containers).
        ports: First and last destination port.
        protocol: Whose ports.
        uid / gid: Effective ids of the socket's owner.
    """

    action: Action
    family: Family = ""
    in_interface: str = ""
    out_interface: str = ""
    source: str = ""
    destination: str = ""
    other_destination: bool = False
    foreign: bool = False
    ports: tuple[int, int] | None = None
    protocol: Protocol = "tcp"
    uid: int | None = None
    gid: int | None = None


@attrs.frozen
class Ruleset:
    """Rules by chain, in the order in which they are tried; a connection that no rule takes is left alone."""

    inbound: tuple[Rule, ...] = ()
    outbound: tuple[Rule, ...] = ()
    destinations: tuple[Rule, ...] = ()
    dns: tuple[Rule, ...] = ()

    def chains(self) -> dict[ChainName, tuple[Rule, ...]]:
        """Give the chains that have rules, those that are jumped to first."""
        named: dict[ChainName, tuple[Rule, ...]] = {
            "dns": self.dns, "destinations": self.destinations, "inbound": self.inbound, "outbound": self.outbound,
        }
        return {name: rules for name, rules in named.items() if rules}

    def hooks(self) -> list[tuple[HookName, Protocol, ChainName]]:
        """Give the hooks that are needed, what of, and the chain each jumps to."""
        return [(hook, protocol, chain) for hook, protocol, chain in HOOKS if chain in self.chains()]
