"""How what the kernel has differs from what we want, told rule by rule."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import attrs


@attrs.frozen
class Drift:
    """
    One difference.

    Attributes:
        backend: Whose rules: `nftables`, `iptables-nft`...
        place: Chain, and rule number from 1 where there is one.
        message: What was expected and what was found.
    """

    backend: str
    place: str
    message: str

    def __str__(self) -> str:
        """Give `backend: place: message`."""
        return ": ".join(part for part in (self.backend, self.place, self.message) if part)


def compare_chains(backend: str, wanted: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]]) -> list[Drift]:
    """Give the differences between chains of rule texts; empty when they are the same."""
    drift = [Drift(backend, f"chain {name}", "is missing") for name in wanted if name not in found]
    drift += [Drift(backend, f"chain {name}", "is not ours to have") for name in found if name not in wanted]
    for name, rules in wanted.items():
        if name in found:
            drift += _compare_rules(backend, name, list(rules), list(found[name]))
    return drift


def _compare_rules(backend: str, chain: str, wanted: list[str], found: list[str]) -> list[Drift]:
    drift = []
    for change, first, last, other_first, other_last in SequenceMatcher(None, wanted, found, autojunk=False).get_opcodes():
        if change != "equal":
            drift += [Drift(backend, f"chain {chain} rule {at + 1}", f"missing {wanted[at]!r}") for at in range(first, last)]
            drift += [Drift(backend, f"chain {chain} rule {at + 1}", f"unexpected {found[at]!r}") for at in range(other_first, other_last)]
    return drift
