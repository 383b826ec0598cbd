"""A kernel with the programs nft, iptables, ip and cat in front of it, as far as capture uses them; it runs nothing."""

import re
from collections.abc import Sequence

import attrs

from meshd.capture.commands import NOT_FOUND, Ran

BUILTIN = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")


@attrs.define(eq=False)
class NatTable:
    """The nat table of one family and flavour: rules by chain; built-in chains come into being when they are first used."""

    chains: dict[str, list[str]] = attrs.field(factory=dict)

    def copy(self) -> "NatTable":
        """Give a copy that shares nothing."""
        return NatTable({name: list(rules) for name, rules in self.chains.items()})

    def run(self, line: str) -> None:
        """
        Do what one line of iptables-restore says.

        Raises:
            ValueError: If the real program would refuse it.
        """
        if line.startswith(":"):
            self.chains[line[1:].split()[0]] = []
            return
        option, chain, rule = ([*line.split(" ", 2), ""])[:3]
        if option in ("-A", "-I") and chain in BUILTIN:
            self.chains.setdefault(chain, [])
        if chain not in self.chains:
            raise ValueError(f"no chain {chain}")
        rules = self.chains[chain]
        if option == "-A":
            rules.append(rule)
        elif option == "-I":
            position, _, rule = rule.partition(" ")
            rules.insert(int(position) - 1, rule)
        elif option == "-D":
            rules.remove(rule)
        elif rules or any(re.search(rf"-j {chain}\b", other) for others in self.chains.values() for other in others):
            raise ValueError(f"chain {chain} is in use")
        else:
            del self.chains[chain]

    def save(self) -> str:
        """Print the table as iptables-save does."""
        lines = ["*nat", *(f":{name} {'ACCEPT' if name in BUILTIN else '-'} [0:0]" for name in dict.fromkeys([*BUILTIN, *self.chains]))]
        lines += [f"-A {name} {rule}" for name, rules in self.chains.items() for rule in rules]
        return "\n".join([*lines, "COMMIT"]) + "\n"


@attrs.define(eq=False)
class FakeKernel:
    """
    A runner of commands; call it with arguments and standard input.

    Attributes:
        tables: nft's tables by family and name: the lines between the outer braces.
        nat: iptables' nat tables by program prefix, such as `ip6tables-nft`.
        loopback: Words of each IPv6 address of lo, as `ip -o address` prints them.
        missing: Programs that are not installed.
        failures: Start of a command line -> complaint with which it fails, changing nothing.
        commands: Every command line that was run.
    """

    tables: dict[str, list[str]] = attrs.field(factory=dict)
    nat: dict[str, NatTable] = attrs.field(factory=dict)
    loopback: list[str] = attrs.field(factory=lambda: ["::1/128 scope host"])
    missing: set[str] = attrs.field(factory=set)
    failures: dict[str, str] = attrs.field(factory=dict)
    commands: list[str] = attrs.field(factory=list)

    def __call__(self, arguments: Sequence[str], standard_input: str) -> Ran:
        """Run one command."""
        line = " ".join(arguments)
        self.commands.append(line)
        if arguments[0] in self.missing:
            return Ran(NOT_FOUND, errors=f"{arguments[0]}: not found")
        for start, complaint in self.failures.items():
            if line.startswith(start):
                return Ran(1, errors=complaint)
        if arguments[0] == "nft":
            return self._nft(arguments[1:], standard_input)
        if arguments[0] == "cat":
            legacy = "iptables-legacy" if arguments[1] == "/proc/net/ip_tables_names" else "ip6tables-legacy"
            return Ran(0, "filter\nnat\n") if legacy in self.nat else Ran(1, errors=f"cat: {arguments[1]}: No such file or directory")
        if arguments[0] == "ip":
            return self._ip(arguments[3:])
        return self._iptables(arguments, standard_input)

    def state(self) -> object:
        """Give everything the kernel holds, to compare."""
        nat = {name: table.chains for name, table in self.nat.items()}
        return {name: list(lines) for name, lines in self.tables.items()}, nat, sorted(self.loopback)

    def _nft(self, arguments: Sequence[str], text: str) -> Ran:
        if arguments[0] == "delete":
            self.nat.pop("iptables-nft" if arguments[2] == "ip" else "ip6tables-nft", None)
            return Ran(0)
        if "list" in arguments:
            if arguments[-1] == "tables":
                return Ran(0, "".join(f"table {name}\n" for name in self.tables))
            name = " ".join(arguments[-2:])
            nat = self.nat.get({"ip nat": "iptables-nft", "ip6 nat": "ip6tables-nft"}.get(name, ""))
            listed = [f"\tchain {chain} {{\n\t}}" for chain in nat.chains] if nat else self.tables.get(name)
            if listed is None:
                return Ran(1, errors=f"Error: No such file or directory\nlist table {name}")
            return Ran(0, "\n".join([f"table {name} {{", *listed, "}"]) + "\n")
        tables = dict(self.tables)
        lines = iter(text.splitlines())
        for line in lines:
            verb, _, name = line.partition(" table ")
            if verb == "add":
                tables.setdefault(name, [])
            elif verb == "delete":
                if name not in tables:
                    return Ran(1, errors=f"{line}: No such file or directory")
                del tables[name]
            else:
                tables[line.removeprefix("table ").removesuffix(" {")] = list(iter(lambda: next(lines), "}"))
        if "--check" not in arguments:
            self.tables = tables
        return Ran(0)

    def _iptables(self, arguments: Sequence[str], text: str) -> Ran:
        prefix, _, verb = arguments[0].rpartition("-")
        if verb == "save":
            return Ran(0, self.nat[prefix].save() if prefix in self.nat else "")
        table = self.nat[prefix].copy() if prefix in self.nat else NatTable()
        for line in text.splitlines():
            if line not in ("*nat", "COMMIT"):
                try:
                    table.run(line)
                except ValueError as error:
                    return Ran(1, errors=f"{line}: {error}")
        if "--test" not in arguments:
            self.nat[prefix] = table
        return Ran(0)

    def _ip(self, arguments: Sequence[str]) -> Ran:
        if "show" in arguments:
            return Ran(0, "".join(f"1: lo    inet6 {words} \\  valid_lft forever\n" for words in self.loopback))
        if "add" in arguments:
            self.loopback.append(f"::6/128 metric {arguments[-1]} scope global")
        else:
            self.loopback = [words for words in self.loopback if not words.startswith("::6/128")]
        return Ran(0)
