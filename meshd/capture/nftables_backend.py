"""nftables: everything of ours is one table, replaced and removed in one transaction."""

import attrs

from meshd.base.errors import CaptureError
from meshd.capture.backend import refused
from meshd.capture.commands import Runner
from meshd.capture.drift import Drift, compare_chains
from meshd.capture.nftables import TABLE, chain_lines, definition, read_listing, removal_text, table_text
from meshd.capture.ruleset import Ruleset


@attrs.define(eq=False)
class NftablesBackend:
    """Implements `Backend` with the program nft."""

    runner: Runner
    name: str = "nftables"

    def text(self, ruleset: Ruleset) -> str:
        """Give our table as nft reads it."""
        return definition(ruleset)

    def refusal(self, ruleset: Ruleset) -> str:
        """Let nft check the transaction against the kernel without committing it."""
        return refused("nft", self.runner(["nft", "--check", "--file", "-"], table_text(ruleset)))

    def holds(self) -> bool:
        """Look for our table."""
        ran = self.runner(["nft", "list", "tables"], "")
        if ran.missing:
            return False
        if ran.status:
            raise CaptureError(refused("nft", ran))
        return f"table {TABLE}" in ran.output.splitlines()

    def drift(self, ruleset: Ruleset) -> list[Drift]:
        """Compare nft's listing of our table with the text that made it."""
        if not self.holds():
            return [Drift(self.name, f"table {TABLE}", "is missing")]
        ran = self.runner(["nft", "--stateless", "--numeric-priority", "list", "table", *TABLE.split()], "")
        if ran.status:
            raise CaptureError(refused("nft", ran))
        return compare_chains(self.name, chain_lines(ruleset), read_listing(ran.output))

    def apply(self, ruleset: Ruleset) -> None:
        """Replace our table."""
        self._put(table_text(ruleset))

    def remove(self) -> bool:
        """Remove our table."""
        if not self.holds():
            return False
        self._put(removal_text())
        return True

    def _put(self, text: str) -> None:
        ran = self.runner(["nft", "--file", "-"], text)
        if ran.status:
            raise CaptureError(refused("nft", ran))
