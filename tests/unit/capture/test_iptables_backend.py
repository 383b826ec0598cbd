"""The iptables backend, both flavours, on a fake kernel."""

import pytest

from meshd.base.errors import CaptureError
from meshd.capture.iptables_backend import Flavour, IptablesBackend
from meshd.capture.ruleset import Redirect, Return, Rule, Ruleset
from tests.helpers.fake_kernel import BUILTIN, FakeKernel, NatTable

RULES = Ruleset(inbound=(Rule(Redirect(15006)),), outbound=(Rule(Return(), "ip", destination="127.0.0.1"),))
OTHER = Ruleset(inbound=(Rule(Redirect(2)),))
FLAVOURS = pytest.mark.parametrize("flavour", ["nft", "legacy"])


def machine_with_docker() -> FakeKernel:
    """Give a machine on which somebody else has rules."""
    def table(flavour: str) -> NatTable:
        found = NatTable({name: [] for name in BUILTIN} if flavour == "legacy" else {})
        found.chains["PREROUTING"] = ["-m addrtype --dst-type LOCAL -j DOCKER"]
        found.chains["DOCKER"] = ["-i docker0 -j RETURN"]
        return found

    return FakeKernel(nat={f"{program}-{flavour}": table(flavour) for program in ("iptables", "ip6tables") for flavour in ("nft", "legacy")})


def texts(backend: IptablesBackend, ruleset: Ruleset) -> list[str]:
    """Give the drift as texts."""
    return [str(drift) for drift in backend.drift(ruleset)]


@FLAVOURS
def test_apply_then_no_drift_then_remove(flavour: Flavour) -> None:
    """The three go together, and other rules stay as they were."""
    kernel = machine_with_docker()
    before = str(kernel.state())
    backend = IptablesBackend(kernel, flavour)
    backend.apply(RULES)
    assert backend.holds()
    assert [] == backend.drift(RULES)
    assert "-p tcp -j MESHD_INBOUND" == kernel.nat[f"ip6tables-{flavour}"].chains["PREROUTING"][-1]
    backend.apply(RULES)
    assert [] == backend.drift(RULES)
    assert backend.remove()
    assert before == str(kernel.state())
    assert not backend.remove()


def test_the_nft_flavours_table_goes_when_it_came_with_us() -> None:
    """A machine that had no nat table has none afterwards, even after applying twice."""
    kernel = FakeKernel()
    backend = IptablesBackend(kernel, "nft")
    backend.apply(OTHER)
    backend.apply(RULES)
    assert backend.remove()
    assert {} == kernel.nat


def test_chains_stay_when_others_moved_in() -> None:
    """What we made may be in use by now, and what was there before stays, empty or not."""
    kernel = FakeKernel(nat={"iptables-nft": NatTable({"PREROUTING": []})})
    backend = IptablesBackend(kernel, "nft", ipv6=False)
    backend.apply(RULES)
    kernel.nat["iptables-nft"].run("-A OUTPUT -j ACCEPT")
    assert backend.remove()
    assert {"PREROUTING": [], "OUTPUT": ["-j ACCEPT"]} == kernel.nat["iptables-nft"].chains


def test_without_nft_nothing_is_taken_back() -> None:
    """Which built-in chains came with us cannot be known then; they stay, empty."""
    kernel = FakeKernel(missing={"nft"})
    backend = IptablesBackend(kernel, "nft", ipv6=False)
    backend.apply(RULES)
    assert backend.remove()
    assert {"PREROUTING": [], "OUTPUT": []} == kernel.nat["iptables-nft"].chains


@FLAVOURS
def test_a_failing_second_family_undoes_the_first(flavour: Flavour) -> None:
    """Half a capture is none."""
    kernel = machine_with_docker()
    before = str(kernel.state())
    kernel.failures[f"ip6tables-{flavour}-restore"] = "ip6tables-restore: line 3 failed"
    with pytest.raises(CaptureError, match=f"ip6tables-{flavour}-restore: ip6tables-restore: line 3 failed"):
        IptablesBackend(kernel, flavour).apply(RULES)
    assert before == str(kernel.state())


def test_a_failing_replacement_gives_back_the_old_rules() -> None:
    """What captured before goes on capturing."""
    kernel = machine_with_docker()
    backend = IptablesBackend(kernel, "nft")
    backend.apply(OTHER)
    kernel.failures["ip6tables-nft-restore"] = "no"
    with pytest.raises(CaptureError):
        backend.apply(RULES)
    assert [] == backend.drift(OTHER)


def test_drift_is_told_rule_by_rule() -> None:
    """A deleted rule, a rule before ours, a second jump, a chain from elsewhere."""
    kernel = FakeKernel()
    backend = IptablesBackend(kernel, "legacy")
    backend.apply(RULES)
    four, six = kernel.nat["iptables-legacy"], kernel.nat["ip6tables-legacy"]
    four.chains["MESHD_INBOUND"].clear()
    four.chains["MESHD_LATER"] = []
    six.run("-A PREROUTING -j DOCKER")
    six.run("-A OUTPUT -p tcp -j MESHD_OUTBOUND")
    assert [
        "iptables-legacy IPv4: chain MESHD_LATER: is not ours to have",
        "iptables-legacy IPv4: chain MESHD_INBOUND rule 1: missing '-p tcp -j REDIRECT --to-ports 15006'",
        "iptables-legacy IPv6: chain PREROUTING: expected '-p tcp -j MESHD_INBOUND' as the last rule, found it as rule 1 of 2",
        "iptables-legacy IPv6: chain OUTPUT: unexpected '-p tcp -j MESHD_OUTBOUND'",
    ] == texts(backend, RULES)


def test_without_ipv6_only_one_family() -> None:
    """A kernel without IPv6 is not asked for it."""
    kernel = FakeKernel(missing={"ip6tables-nft-save", "ip6tables-nft-restore"})
    backend = IptablesBackend(kernel, "nft", ipv6=False)
    backend.apply(RULES)
    assert [] == backend.drift(RULES)
    assert ["iptables-nft"] == list(kernel.nat)


def test_refusal_changes_nothing() -> None:
    """Testing is not applying."""
    kernel = FakeKernel()
    assert "" == IptablesBackend(kernel, "nft").refusal(RULES)
    assert {} == kernel.nat
    missing = FakeKernel(missing={"iptables-nft-restore"})
    assert "iptables-nft-restore is not installed (Debian package iptables)" == IptablesBackend(missing, "nft").refusal(RULES)


def test_not_permitted_is_told() -> None:
    """Without the right to ask, nothing is claimed about the kernel."""
    kernel = FakeKernel(failures={"iptables-nft-save": "Could not fetch rule set generation id: Permission denied (you must be root)"})
    with pytest.raises(CaptureError, match="iptables-nft-save: not permitted"):
        IptablesBackend(kernel, "nft").remove()


def test_the_legacy_programs_are_not_run_without_a_legacy_table() -> None:
    """They want a lock that not everybody may have, and there is nothing of ours to find."""
    kernel = FakeKernel(failures={"iptables-legacy-save": "Fatal: can't open lock file /run/xtables.lock: Permission denied"})
    assert not IptablesBackend(kernel, "legacy").holds()
    assert not IptablesBackend(kernel, "legacy").remove()


def test_text_names_both_families() -> None:
    """What is printed can be read by iptables-restore, family by family."""
    text = IptablesBackend(FakeKernel(), "nft").text(RULES)
    assert ["# iptables", "# ip6tables"] == [line for line in text.splitlines() if line.startswith("#")]
