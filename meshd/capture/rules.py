"""Settings to ruleset: which connections the kernel diverts to meshd, and in which order that is decided."""

from collections.abc import Collection, Iterable, Iterator

import attrs

from meshd.base.addresses import INBOUND_SOURCE_IPV4, INBOUND_SOURCE_IPV6
from meshd.capture.reading import Checked, Network
from meshd.capture.ruleset import DNS_PORT, Family, Jump, Protocol, Redirect, Return, Rule, Ruleset
from meshd.model.node import Node, Ports

MERGED_METRICS_PORT = 15020  # Istio's agent; kept free of capture so that what grew up with Istio finds it
LOOPBACK: dict[Family, str] = {"ip": "127.0.0.1", "ip6": "::1"}
FROM_MESHD: dict[Family, str] = {"ip": INBOUND_SOURCE_IPV4, "ip6": INBOUND_SOURCE_IPV6}

PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp")

LEAVE = Return()


@attrs.frozen
class Identity:
    """
    Who meshd is for the kernel.

    Attributes:
        uid: Effective user of the workers.
        gid: Effective group of the workers and of the control plane (which is root: root itself is captured).
    """

    uid: int
    gid: int


def served_families(node: Node) -> tuple[Family, ...]:
    """Give the families that a Node's listeners are bound for: what would be diverted of the other would be refused."""
    families: tuple[tuple[Family, bool], ...] = (("ip", node.ipv4), ("ip6", node.ipv6))
    return tuple(family for family, served in families if served)


def build_ruleset(settings: Checked, identity: Identity, ports: Ports, families: Collection[Family] = tuple(LOOPBACK)) -> Ruleset:
    """
    Give the rules that divert what the settings say, of the families that are listened for.

    Questions to the machine's name servers go to meshd, where it answers them; not so those to others, which may be how a name server of the
    machine's own asks on.

    Source:
        Istio's tools/istio-iptables, the order of ISTIO_INBOUND and ISTIO_OUTPUT. Ours differ where an operator of a machine would be hurt:
        only what is addressed to this machine is taken in (not what it forwards for its containers), root is not exempt, and the control
        plane, known by its group, is never diverted, not even on loopback.
    """
    left = [Rule(LEAVE, family) for family in LOOPBACK if family not in families]
    return Ruleset(
        inbound=(*left, *_inbound(settings, ports)) if settings.inbound else (),
        outbound=(*left, *_outbound(settings, identity, ports)) if settings.outbound else (),
        destinations=tuple(_destinations(settings, ports)) if settings.outbound else (),
        dns=tuple(_dns(settings, identity, ports, families)) if settings.dns else (),
    )


def _inbound(settings: Checked, ports: Ports) -> Iterator[Rule]:
    for name in settings.exclude_interfaces:
        yield Rule(LEAVE, in_interface=name)
    yield Rule(LEAVE, foreign=True)
    own = sorted({MERGED_METRICS_PORT, ports.admin, ports.outbound, ports.health, ports.prometheus})
    for span in dict.fromkeys([*((port, port) for port in own), *settings.exclude_inbound_ports]):
        yield Rule(LEAVE, ports=span)
    redirect = Redirect(ports.inbound)
    for span in settings.include_inbound_ports:
        yield Rule(redirect, ports=span)
    if not settings.include_inbound_ports:
        yield Rule(redirect)


def _outbound(settings: Checked, identity: Identity, ports: Ports) -> Iterator[Rule]:
    for name in settings.exclude_interfaces:
        yield Rule(LEAVE, out_interface=name)
    for span in settings.exclude_outbound_ports:
        yield Rule(LEAVE, ports=span)
    # meshd to the application behind it
    for family, source in FROM_MESHD.items():
        yield Rule(LEAVE, family, out_interface="lo", source=source)
    # the application called a service and meshd chose this very machine: inbound rules and policies hold here too, but not for the names that
    # workers ask a resolver on loopback for, such as systemd-resolved at 127.0.0.53 (Istio leaves port 53 out where it captures DNS)
    if settings.inbound:
        yield Rule(LEAVE, "ip", out_interface="lo", destination="127.0.0.0/8", ports=(DNS_PORT, DNS_PORT), uid=identity.uid)
        for family, address in LOOPBACK.items():
            yield Rule(Redirect(ports.inbound), family, out_interface="lo", destination=address, other_destination=True, uid=identity.uid)
    if settings.dns:
        yield Rule(Jump("dns"), ports=(DNS_PORT, DNS_PORT))
    yield Rule(LEAVE, uid=identity.uid)
    yield Rule(LEAVE, gid=identity.gid)
    # programs of this machine among themselves, unless loopback addresses are asked for by name
    if not any(network.loopback for network in settings.include_outbound_cidrs):
        yield Rule(LEAVE, out_interface="lo")
    yield from _owners(LEAVE, settings.exclude_uids, settings.exclude_gids)
    included = list(_owners(Jump("destinations"), settings.include_uids, settings.include_gids))
    yield from included or [Rule(Jump("destinations"))]


def _dns(settings: Checked, identity: Identity, ports: Ports, families: Collection[Family]) -> Iterator[Rule]:
    """Give the rules for questions over TCP and UDP; what they leave over TCP is treated as any connection."""
    yield from _owners(LEAVE, (identity.uid, *settings.exclude_uids), (identity.gid, *settings.exclude_gids))
    for server in settings.dns:
        for protocol in PROTOCOLS if server.family in families else ():
            to = Rule(Redirect(ports.dns), server.family, destination=server.text, ports=(DNS_PORT, DNS_PORT), protocol=protocol)
            chosen = [attrs.evolve(to, uid=uid) for uid in settings.include_uids] + [attrs.evolve(to, gid=gid) for gid in settings.include_gids]
            yield from chosen or [to]


def _destinations(settings: Checked, ports: Ports) -> Iterator[Rule]:
    for family, address in LOOPBACK.items():
        yield Rule(LEAVE, family, destination=address)
    for network in settings.exclude_outbound_cidrs:
        yield _to(network, LEAVE)
    redirect = Redirect(ports.outbound)
    for span in settings.include_outbound_ports:
        yield Rule(redirect, ports=span)
    for network in settings.include_outbound_cidrs:
        yield _to(network, redirect)
    if not settings.include_outbound_ports and not settings.include_outbound_cidrs:
        yield Rule(redirect)


def _to(network: Network, action: Return | Redirect) -> Rule:
    return Rule(action, network.family, destination=network.text)


def _owners(action: Return | Jump, uids: Iterable[int], gids: Iterable[int]) -> Iterator[Rule]:
    for uid in uids:
        yield Rule(action, uid=uid)
    for gid in gids:
        yield Rule(action, gid=gid)
