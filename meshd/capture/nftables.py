"""A ruleset as text for `nft -f -`, and nft's listing of it read back; pure."""

import re

from meshd.capture.ruleset import DNS_PORT, HookName, Jump, Redirect, Rule, Ruleset

TABLE = "inet meshd"
PRIORITIES: dict[HookName, int] = {"output": -105, "prerouting": -95}
"""
Around -100, where iptables' own nat chains are, and with them Docker and kube-proxy; the first hook to translate a connection decides.

Outbound before them: once they have rewritten a service's address, what the client meant is lost.
Inbound after them: what they send on to a container (a published port) is theirs; taken away from them, it could not be delivered, since
meshd calls from 127.0.0.6, which no container can answer.
"""

# reason: nft's own output, bounded by our ruleset; all linear
_OPENING = re.compile(r"(\w+) (\S+) \{")
_COUNTS = re.compile(r" packets \d+ bytes \d+")


def table_text(ruleset: Ruleset) -> str:
    """Give one transaction that replaces our table, whatever it holds now; the first line makes the second safe where there is none."""
    lines = [f"add table {TABLE}", f"delete table {TABLE}"]
    return "\n".join(lines) + "\n" + definition(ruleset)


def definition(ruleset: Ruleset) -> str:
    """Give the table as an operator reads it, without the replacing."""
    lines = [f"table {TABLE} {{"]
    for name, rules in chain_lines(ruleset).items():
        lines += [f"\tchain {name} {{", *(f"\t\t{rule}" for rule in rules), "\t}"]
    return "\n".join([*lines, "}"]) + "\n"


def removal_text() -> str:
    """Give the transaction that removes our table; it must be there."""
    return f"delete table {TABLE}\n"


def chain_lines(ruleset: Ruleset) -> dict[str, list[str]]:
    """Give each chain's lines, in the form in which nft lists them."""
    lines: dict[str, list[str]] = {name: [rule_text(rule) for rule in rules] for name, rules in ruleset.chains().items()}
    for hook, protocol, chain in ruleset.hooks():
        matches = "meta l4proto tcp" if protocol == "tcp" else f"udp dport {DNS_PORT}"
        lines.setdefault(hook, [_hook_line(hook)]).append(f"{matches} counter jump {chain}")
    return lines


def rule_text(rule: Rule) -> str:
    """Give one rule in nft's words."""
    parts = []
    if rule.in_interface:
        parts.append(f'iifname "{rule.in_interface}"')
    if rule.out_interface:
        parts.append(f'oifname "{rule.out_interface}"')
    if rule.family and not rule.source and not rule.destination:
        parts.append(f"meta nfproto {'ipv4' if rule.family == 'ip' else 'ipv6'}")
    if rule.source:
        parts.append(f"{rule.family} saddr {rule.source}")
    if rule.destination:
        parts.append(f"{rule.family} daddr {'!= ' if rule.other_destination else ''}{rule.destination}")
    if rule.foreign:
        parts.append("fib daddr type != local")
    if rule.ports:
        first, last = rule.ports
        parts.append(f"{rule.protocol} dport {first}" if first == last else f"{rule.protocol} dport {first}-{last}")
    elif isinstance(rule.action, Redirect):
        parts.append("meta l4proto tcp")  # nft wants the protocol known where a port is rewritten
    if rule.uid is not None:
        parts.append(f"meta skuid {rule.uid}")
    if rule.gid is not None:
        parts.append(f"meta skgid {rule.gid}")
    return " ".join([*parts, "counter", _verdict(rule)])


def read_listing(listing: str) -> dict[str, list[str]]:
    """Read `nft -s -y list table inet meshd` into lines by chain, without counts; anything but a chain is keyed with its type."""
    chains: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in listing.splitlines()[1:]:
        text = line.strip()
        opening = _OPENING.fullmatch(text)
        if opening:
            kind, name = opening.groups()
            lines = chains.setdefault(name if kind == "chain" else f"{kind} {name}", [])
        elif text and text != "}":
            lines.append(_plain(text))
    return chains


def _plain(line: str) -> str:
    """Take out what tells nothing; where /etc/protocols is missing (package netbase), nft knows TCP by its number alone."""
    line = _COUNTS.sub("", line).replace("meta l4proto 6 ", "meta l4proto tcp ")
    return re.sub(r"(?<!meta )\b(skuid|skgid)\b", r"meta \1", line)


def _hook_line(hook: HookName) -> str:
    return f"type nat hook {hook} priority {PRIORITIES[hook]}; policy accept;"


def _verdict(rule: Rule) -> str:
    if isinstance(rule.action, Redirect):
        return f"redirect to :{rule.action.port}"
    return f"jump {rule.action.chain}" if isinstance(rule.action, Jump) else "return"
