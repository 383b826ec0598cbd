"""The nftables backend on a fake kernel."""

import pytest

from meshd.base.errors import CaptureError
from meshd.capture.nftables_backend import NftablesBackend
from meshd.capture.ruleset import Redirect, Rule, Ruleset
from tests.helpers.fake_kernel import FakeKernel

RULES = Ruleset(inbound=(Rule(Redirect(15006)),))
OTHER = Ruleset(inbound=(Rule(Redirect(2)),))


def test_apply_then_no_drift_then_remove() -> None:
    """The three go together, and other tables are not touched."""
    kernel = FakeKernel(tables={"inet filter": ["\tchain x {", "\t}"]})
    before = kernel.state()
    backend = NftablesBackend(kernel)
    assert not backend.holds()
    assert ["nftables: table inet meshd: is missing"] == [str(drift) for drift in backend.drift(RULES)]
    backend.apply(RULES)
    assert backend.holds()
    assert [] == backend.drift(RULES)
    assert backend.remove()
    assert before == kernel.state()
    assert not backend.remove()


def test_apply_replaces() -> None:
    """New rules take the place of the old."""
    kernel = FakeKernel()
    backend = NftablesBackend(kernel)
    backend.apply(OTHER)
    assert [
        "nftables: chain inbound rule 1: missing 'meta l4proto tcp counter redirect to :15006'",
        "nftables: chain inbound rule 1: unexpected 'meta l4proto tcp counter redirect to :2'",
    ] == [str(drift) for drift in backend.drift(RULES)]
    backend.apply(RULES)
    assert [] == backend.drift(RULES)


def test_a_flushed_table_is_drift() -> None:
    """Somebody's `flush chain` is seen."""
    kernel = FakeKernel()
    backend = NftablesBackend(kernel)
    backend.apply(RULES)
    kernel.tables["inet meshd"] = [line for line in kernel.tables["inet meshd"] if "redirect" not in line]
    assert ["nftables: chain inbound rule 1: missing 'meta l4proto tcp counter redirect to :15006'"] == [str(drift) for drift in backend.drift(RULES)]


def test_refusal_changes_nothing() -> None:
    """Checking is not applying."""
    kernel = FakeKernel()
    assert "" == NftablesBackend(kernel).refusal(RULES)
    assert {} == kernel.tables
    assert "nft is not installed (Debian package nftables)" == NftablesBackend(FakeKernel(missing={"nft"})).refusal(RULES)


def test_without_nft_there_is_nothing_to_remove() -> None:
    """A machine with iptables alone is no failure."""
    assert not NftablesBackend(FakeKernel(missing={"nft"})).remove()


@pytest.mark.parametrize("command", ["nft list tables", "nft --stateless", "nft --file"])
def test_failures_are_told(command: str) -> None:
    """Whichever program fails."""
    kernel = FakeKernel()
    backend = NftablesBackend(kernel)
    backend.apply(OTHER)
    kernel.failures[command] = "Error: Operation not permitted"
    with pytest.raises(CaptureError, match="nft: not permitted"):
        if backend.drift(RULES):
            backend.apply(RULES)


def test_text() -> None:
    """What is printed is the table."""
    assert NftablesBackend(FakeKernel()).text(RULES).startswith("table inet meshd {\n")
