"""iptables, either flavour: chains of ours in each family's nat table, each family one transaction, the first undone when the second fails."""

from typing import Literal

import attrs

from meshd.base.errors import CaptureError
from meshd.capture.backend import refused
from meshd.capture.commands import Runner
from meshd.capture.drift import Drift, compare_chains
from meshd.capture.iptables import MADE, Nat, Wanted, misplaced, read_save, restore_text, wanted_rules
from meshd.capture.ruleset import Family, Ruleset

Flavour = Literal["nft", "legacy"]
PROGRAMS: dict[Family, str] = {"ip": "iptables", "ip6": "ip6tables"}
LOCK_SECONDS = "5"  # how long iptables-restore waits for another program's xtables lock


@attrs.define(eq=False)
class IptablesBackend:
    """
    Implements `Backend` with the programs `iptables-FLAVOUR-save` and `-restore`.

    Attributes:
        runner: Runs them.
        flavour: `nft` or `legacy`.
        ipv6: Whether the kernel has IPv6.
        name: As the settings name it.
    """

    runner: Runner
    flavour: Flavour
    ipv6: bool = True
    name: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Name it as the settings do."""
        self.name = f"iptables-{self.flavour}"

    def text(self, ruleset: Ruleset) -> str:
        """Give what iptables-restore and ip6tables-restore would be told on a machine without rules of ours."""
        return "".join(f"# {PROGRAMS[family]}\n{restore_text(Nat(), wanted_rules(ruleset, family))}" for family in self._families)

    def refusal(self, ruleset: Ruleset) -> str:
        """Let iptables-restore test the IPv4 half."""
        text = restore_text(Nat(), wanted_rules(ruleset, "ip"))
        return refused(f"iptables-{self.flavour}-restore", self.runner([*self._restore("ip"), "--test"], text))

    def holds(self) -> bool:
        """Look for chains and jumps of ours in both families."""
        return any(self._read(family).has_ours for family in self._families)

    def drift(self, ruleset: Ruleset) -> list[Drift]:
        """Compare what iptables-save prints with what we want, and the place of our jumps with where they belong."""
        drift: list[Drift] = []
        for family in self._families:
            label = f"{self.name} {'IPv4' if family == 'ip' else 'IPv6'}"
            present, wanted = self._read(family), wanted_rules(ruleset, family)
            own = {name: rules for name, rules in present.own.items() if not name.startswith(MADE)}
            drift += compare_chains(label, wanted.chains, own)
            drift += [Drift(label, f"chain {chain}", message) for chain, message in misplaced(present, wanted)]
            drift += [Drift(label, f"chain {chain}", f"unexpected {rule!r}") for chain, rule in _superfluous(present, wanted)]
        return drift

    def apply(self, ruleset: Ruleset) -> None:
        """Put both families' rules in place; when the second fails, the first gets back what it had."""
        done: list[tuple[Family, Nat]] = []
        for family in self._families:
            before = self._read(family)
            try:
                wanted = wanted_rules(ruleset, family)
                self._put(family, restore_text(before, wanted, self._made_by(family, wanted)))
            except CaptureError:
                for earlier, had in reversed(done):
                    self._give_back(earlier, had)
                raise
            done.append((family, before))

    def remove(self) -> bool:
        """Remove our chains and jumps from both families, whatever settings made them."""
        cleared = [self._clear(family) for family in self._families]
        return any(cleared)

    @property
    def _families(self) -> tuple[Family, ...]:
        return ("ip", "ip6") if self.ipv6 else ("ip",)

    def _give_back(self, family: Family, before: Nat) -> None:
        if not before.has_ours:
            self._clear(family)
            return
        chains = {name: rules for name, rules in before.own.items() if not name.startswith(MADE)}
        self._put(family, restore_text(self._read(family), Wanted(chains, before.jumps)))

    def _clear(self, family: Family) -> bool:
        before = self._read(family)
        if not before.has_ours:
            return False
        self._put(family, restore_text(before, Wanted()))
        self._take_back(family, before.made)
        return True

    def _made_by(self, family: Family, wanted: Wanted) -> list[str]:
        """Give the built-in chains that inserting jumps will bring into being; the legacy flavour always has all of them."""
        if self.flavour == "legacy":
            return []
        ran = self.runner(["nft", "--terse", "list", "table", family, "nat"], "")
        return [] if ran.missing else [chain for chain, _ in wanted.jumps if f"chain {chain} {{" not in ran.output]

    def _take_back(self, family: Family, made: list[str]) -> None:
        """Remove built-in chains that came with us and that nobody uses, and the table when it is empty then; iptables before 1.8.8 cannot."""
        builtin = self._read(family).builtin
        for chain in made:
            if not builtin.get(chain):
                self.runner(self._restore(family), f"*nat\n-X {chain}\nCOMMIT\n")
        if made and "chain " not in self.runner(["nft", "--terse", "list", "table", family, "nat"], "").output:
            self.runner(["nft", "delete", "table", family, "nat"], "")

    def _read(self, family: Family) -> Nat:
        if self.flavour == "legacy" and not self._has_legacy_table(family):
            return Nat()
        program = f"{PROGRAMS[family]}-{self.flavour}-save"
        ran = self.runner([program], "")
        if ran.missing:
            return Nat()
        if ran.status:
            raise CaptureError(refused(program, ran))
        return read_save(ran.output)

    def _has_legacy_table(self, family: Family) -> bool:
        # reason: iptables-legacy-save wants the lock in /run, which not everybody who may change rules may write (user namespaces)
        ran = self.runner(["cat", f"/proc/net/{family}_tables_names"], "")
        return ran.status == 0 and "nat" in ran.output.split()

    def _put(self, family: Family, text: str) -> None:
        command = self._restore(family)
        ran = self.runner(command, text)
        if ran.status:
            raise CaptureError(refused(command[0], ran))

    def _restore(self, family: Family) -> list[str]:
        return [f"{PROGRAMS[family]}-{self.flavour}-restore", "--noflush", "-w", LOCK_SECONDS]


def _superfluous(present: Nat, wanted: Wanted) -> list[tuple[str, str]]:
    """Give our jumps that are not wanted, or stand there more than once."""
    left = list(present.jumps)
    for jump in wanted.jumps:
        if jump in left:
            left.remove(jump)
    return left
