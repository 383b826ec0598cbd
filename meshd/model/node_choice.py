"""Which of the Nodes in the configuration this machine is."""

from collections.abc import Sequence

import attrs

from meshd.base.addresses import canonical_ip, is_ip_address
from meshd.base.errors import Problem
from meshd.base.hostnames import is_hostname
from meshd.base.origins import Origin
from meshd.model.metadata import Metadata
from meshd.model.node import Node
from meshd.model.reading import did_you_mean

COMMAND_LINE = Origin("--node")


def choose_node(nodes: Sequence[Node], wanted: str, hostname: str, addresses: Sequence[str]) -> tuple[Node, list[Problem]]:
    """
    Choose this machine's Node.

    Args:
        nodes: Every Node there is.
        wanted: `--node`: a name or an address; empty when not given.
        hostname: The machine's name, long or short.
        addresses: The machine's addresses; loopback and link-local ones do not count.

    Returns:
        The wanted one, else the one named like the host, else the one with an address of ours, else the only one; without any Node a default one.
        Its addresses are the machine's where it gives none. Where the choice fails, a default one and an error.
    """
    own = usable_addresses(addresses)
    ordered = sorted(nodes, key=lambda node: (node.metadata.name != hostname.lower(), node.metadata.age_key))
    if wanted:
        return _choose_wanted(ordered, wanted, hostname, own)
    if not ordered:
        return _default(hostname, own), []
    named = [node for node in ordered if _is_named(node, hostname.lower())]
    if named and (len(named) == 1 or named[0].metadata.name == hostname.lower()):
        return _filled(named[0], own), []
    by_address = [node for node in ordered if set(node.addresses) & set(own)]
    if by_address:
        return _filled(by_address[0], own), _ambiguous(by_address)
    if len(ordered) == 1:
        return _filled(ordered[0], own), []
    names_found = ", ".join(node.metadata.name for node in ordered[:5]) + (", ..." if len(ordered) > 5 else "")
    said = f"expected a Node named {hostname} or with an address of this machine, got {names_found}"
    return _default(hostname, own), [Problem(ordered[0].metadata.origin, said, "metadata.name", "name one with --node, or rename it")]


def usable_addresses(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return addresses that other machines may know this one by, in canonical form, each once."""
    found = (canonical_ip(address) for address in addresses if is_ip_address(address))
    return tuple(dict.fromkeys(text for text in found if not text.startswith(("127.", "169.254.", "fe80:")) and text not in ("::1", "::", "0.0.0.0")))


def _is_named(node: Node, hostname: str) -> bool:
    """Tell whether a Node is named like a host; the first labels decide where one of the names has no domain."""
    name = node.metadata.name
    return name == hostname or (("." not in name or "." not in hostname) and name.partition(".")[0] == hostname.partition(".")[0])


def _choose_wanted(nodes: list[Node], wanted: str, hostname: str, own: tuple[str, ...]) -> tuple[Node, list[Problem]]:
    if not is_ip_address(wanted):
        for node in nodes:
            if node.metadata.name == wanted.lower():
                return _filled(node, own), []
        known = [node.metadata.name for node in nodes]
        said = f"expected the name or address of a Node, got {wanted}; " + (f"there are {', '.join(known[:5])}" if known else "there is no Node")
        return _default(hostname, own), [Problem(COMMAND_LINE, said, hint=did_you_mean(wanted, known))]
    address = canonical_ip(wanted)
    found = [node for node in nodes if address in node.addresses]
    if found:
        return found[0], _ambiguous(found)
    if not nodes:
        return _default(hostname, (address,)), []
    return _default(hostname, (address,)), [Problem(COMMAND_LINE, f"expected the name or address of a Node, got {wanted}, which no Node has")]


def _ambiguous(nodes: list[Node]) -> list[Problem]:
    return [
        Problem(
            node.metadata.origin,
            f"expected an address of this machine in one Node, got it in {nodes[0].metadata.origin.place} too, which is used",
            "spec.addresses",
            severity="warning",
        )
        for node in nodes[1:]
    ]


def _filled(node: Node, own: tuple[str, ...]) -> Node:
    return node if node.addresses else attrs.evolve(node, addresses=own)


def _default(hostname: str, addresses: tuple[str, ...]) -> Node:
    name = hostname.lower()
    return Node(Metadata(name if is_hostname(name) else "localhost", Origin("defaults")), addresses=addresses)
