"""A ruleset as text for `iptables-restore --noflush`, and `iptables-save` read back; pure, the same for both flavours and families."""

from collections.abc import Mapping, Sequence

import attrs

from meshd.capture.ruleset import DNS_PORT, ChainName, Family, HookName, Jump, Redirect, Rule, Ruleset

PREFIX = "MESHD_"
MADE = "MESHD_MADE_"
"""An empty chain of ours with this prefix remembers that a built-in chain was not there before us, so that removing takes it away again."""

FIRST = frozenset({"OUTPUT"})
"""Built-in chains in which our jump is the first rule; in the others it is the last. For the reasons, see `nftables.PRIORITIES`."""

BUILTIN: dict[HookName, str] = {"prerouting": "PREROUTING", "output": "OUTPUT"}


@attrs.frozen
class Nat:
    """
    The nat table of one family, as `iptables-save` shows it; rules without their `-A CHAIN`.

    Attributes:
        own: Our chains.
        builtin: The built-in chains, with everybody's rules.
    """

    own: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    builtin: Mapping[str, Sequence[str]] = attrs.field(factory=dict)

    @property
    def jumps(self) -> list[tuple[str, str]]:
        """Give (built-in chain, rule) for each jump to a chain of ours."""
        return [(chain, rule) for chain, rules in self.builtin.items() for rule in rules if f"-j {PREFIX}" in rule]

    @property
    def has_ours(self) -> bool:
        """Tell whether anything of ours is there."""
        return bool(self.own or self.jumps)

    @property
    def made(self) -> list[str]:
        """Give the built-in chains that came with us."""
        return [name.removeprefix(MADE) for name in self.own if name.startswith(MADE)]


@attrs.frozen
class Wanted:
    """What one family shall have: our chains, and (built-in chain, rule) of the jumps to them."""

    chains: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    jumps: Sequence[tuple[str, str]] = ()


def chain_name(chain: ChainName) -> str:
    """Give the name of a chain of ours."""
    return PREFIX + chain.upper()


def wanted_rules(ruleset: Ruleset, family: Family) -> Wanted:
    """Give what one family (`ip` or `ip6`) shall have, each rule in the form in which `iptables-save` prints it."""
    chains = {
        chain_name(name): [rule_text(rule) for rule in rules if rule.family in ("", family)]
        for name, rules in ruleset.chains().items()
    }
    jumps = [
        (BUILTIN[hook], f"-p tcp -j {chain_name(chain)}" if protocol == "tcp" else f"-p udp -m udp --dport {DNS_PORT} -j {chain_name(chain)}")
        for hook, protocol, chain in ruleset.hooks()
    ]
    return Wanted(chains, jumps)


def restore_text(present: Nat, wanted: Wanted, made: Sequence[str] = ()) -> str:
    """
    Give one transaction that turns what is there of ours into what is wanted; with an empty `wanted`, nothing is left of ours.

    Args:
        present: What is there.
        wanted: What shall be.
        made: Built-in chains that the insertions bring into being.
    """
    chains = dict(wanted.chains)
    if chains:
        chains |= {MADE + chain: () for chain in dict.fromkeys([*present.made, *made])}
    stale = [name for name in present.own if name not in chains]
    lines = ["*nat", *(f":{name} - [0:0]" for name in [*chains, *stale])]  # declaring a chain empties it
    lines += [f"-D {chain} {rule}" for chain, rule in present.jumps]
    lines += [f"-X {name}" for name in stale]
    lines += [f"-I {chain} 1 {rule}" if chain in FIRST else f"-A {chain} {rule}" for chain, rule in wanted.jumps]
    lines += [f"-A {name} {rule}" for name, rules in chains.items() for rule in rules]
    return "\n".join([*lines, "COMMIT"]) + "\n"


def rule_text(rule: Rule) -> str:
    """Give one rule in iptables' words, in the order in which `iptables-save` prints them."""
    parts = []
    if rule.source:
        parts.append(f"-s {_with_length(rule.source, rule.family)}")
    if rule.destination:
        parts.append(f"{'! ' if rule.other_destination else ''}-d {_with_length(rule.destination, rule.family)}")
    if rule.in_interface:
        parts.append(f"-i {_interface(rule.in_interface)}")
    if rule.out_interface:
        parts.append(f"-o {_interface(rule.out_interface)}")
    if rule.ports or isinstance(rule.action, Redirect):
        parts.append(f"-p {rule.protocol}")
    if rule.ports:
        first, last = rule.ports
        parts.append(f"-m {rule.protocol} --dport {first}" if first == last else f"-m {rule.protocol} --dport {first}:{last}")
    if rule.foreign:
        parts.append("-m addrtype ! --dst-type LOCAL")
    if rule.uid is not None:
        parts.append(f"-m owner --uid-owner {rule.uid}")
    if rule.gid is not None:
        parts.append(f"-m owner --gid-owner {rule.gid}")
    return " ".join([*parts, _target(rule)])


def read_save(saved: str) -> Nat:
    """Read the nat table out of `iptables-save`."""
    own: dict[str, list[str]] = {}
    builtin: dict[str, list[str]] = {}
    inside = False
    for line in saved.splitlines():
        if line.startswith("*"):
            inside = line == "*nat"
        elif inside and line.startswith(":"):
            name, policy = line[1:].split()[:2]
            if policy != "-":
                builtin[name] = []
            elif name.startswith(PREFIX):
                own[name] = []
        elif inside and line.startswith("-A "):
            chain, _, rule = line[3:].partition(" ")
            if chain in own:
                own[chain].append(rule)
            elif chain in builtin:
                builtin[chain].append(rule)
    return Nat(own, builtin)


def misplaced(present: Nat, wanted: Wanted) -> list[tuple[str, str]]:
    """Give (built-in chain, what is wrong) for each wanted jump that is missing, or not the first or last rule as it should be."""
    found = []
    for chain, rule in wanted.jumps:
        rules = list(present.builtin.get(chain, ()))
        if rule not in rules:
            found.append((chain, f"missing {rule!r}"))
        elif rule not in (rules[:_jumps_to(wanted, chain)] if chain in FIRST else rules[-_jumps_to(wanted, chain):]):
            place = "first" if chain in FIRST else "last"
            found.append((chain, f"expected {rule!r} as the {place} rule, found it as rule {rules.index(rule) + 1} of {len(rules)}"))
    return found


def _jumps_to(wanted: Wanted, chain: str) -> int:
    return sum(other == chain for other, _rule in wanted.jumps)


def _with_length(text: str, family: Family) -> str:
    return text if "/" in text else f"{text}/{32 if family == 'ip' else 128}"


def _interface(name: str) -> str:
    return name[:-1] + "+" if name.endswith("*") else name


def _target(rule: Rule) -> str:
    if isinstance(rule.action, Redirect):
        return f"-j REDIRECT --to-ports {rule.action.port}"
    return f"-j {chain_name(rule.action.chain)}" if isinstance(rule.action, Jump) else "-j RETURN"
