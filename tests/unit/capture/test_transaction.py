"""Apply, verify, remove, over all backends, on a fake kernel."""

import pytest

from meshd.base.errors import CaptureError
from meshd.base.origins import Origin
from meshd.capture.rules import Identity
from meshd.capture.transaction import Applied, CaptureTransaction, kernel_has_ipv6
from meshd.model.node import CaptureSettings, Ports
from tests.helpers.fake_kernel import FakeKernel

BACKENDS = pytest.mark.parametrize("backend", ["nftables", "iptables-nft", "iptables-legacy"])


def transaction(kernel: FakeKernel, ipv6: bool = True, **settings: object) -> CaptureTransaction:
    """Give a transaction on a fake kernel."""
    whole = CaptureSettings(**settings)  # type: ignore[arg-type]
    return CaptureTransaction(whole, Identity(1337, 1337), Ports(), kernel, origin=Origin("node.yaml", 1, "Node", "", "web"), ipv6=ipv6)


@BACKENDS
def test_apply_verify_remove(backend: str) -> None:
    """Applied once, harmless twice, verified, and gone to the last trace."""
    kernel = FakeKernel()
    capture = transaction(kernel, backend=backend)
    assert Applied(backend, changed=True) == capture.apply()
    assert Applied(backend, changed=False) == capture.apply()
    assert [] == capture.verify()
    assert [backend, "::6"] == capture.remove()
    assert [] == capture.remove()
    assert ["::1/128 scope host"] == kernel.loopback
    assert {} == kernel.tables
    assert {} == {name: table.chains for name, table in kernel.nat.items() if any(table.chains.values()) or len(table.chains) > 4}


@pytest.mark.parametrize(("missing", "expected"), [
    (set(), "nftables"),
    ({"nft"}, "iptables-nft"),
    ({"nft", "iptables-nft-restore", "iptables-nft-save", "ip6tables-nft-save"}, "iptables-legacy"),
])
def test_auto_takes_the_best_that_works(missing: set[str], expected: str) -> None:
    """nftables, else the iptables that works; verifying follows."""
    capture = transaction(FakeKernel(missing=missing))
    assert expected == capture.apply().backend
    assert [] == capture.verify()


@BACKENDS
def test_an_ipv4_machine_needs_no_ipv6_address(backend: str) -> None:
    """Its rules leave IPv6 alone, verified as they were applied."""
    kernel = FakeKernel()
    settings = CaptureSettings(backend=backend)
    capture = CaptureTransaction(settings, Identity(1337, 1337), Ports(), kernel, families=("ip",), ipv6=True)
    assert Applied(backend, changed=True) == capture.apply()
    assert ([], ["::1/128 scope host"]) == (capture.verify(), kernel.loopback)


def test_nothing_works() -> None:
    """Every refusal is told."""
    kernel = FakeKernel(missing={"nft", "iptables-nft-restore"}, failures={"iptables-legacy-restore": "Permission denied (you must be root)"})
    with pytest.raises(CaptureError) as caught:
        transaction(kernel).apply()
    assert [
        "nft is not installed (Debian package nftables)",
        "iptables-nft-restore is not installed (Debian package iptables)",
        "iptables-legacy-restore: not permitted; run as root (CAP_NET_ADMIN)",
    ] == str(caught.value).split("; ", 2)


def test_a_named_backend_is_not_replaced_by_another() -> None:
    """Who asks for nftables gets nftables or an error."""
    with pytest.raises(CaptureError, match=r"^nft is not installed \(Debian package nftables\)$"):
        transaction(FakeKernel(missing={"nft"}), backend="nftables").apply()


@BACKENDS
def test_rules_of_another_backend_go(backend: str) -> None:
    """Changing the backend leaves nothing of the old one, and remove finds whatever is there."""
    kernel = FakeKernel()
    for other in ("iptables-legacy", "iptables-nft", "nftables"):
        transaction(kernel, backend=other).apply()
    assert backend in transaction(kernel, backend=backend).apply().backend
    assert [] == transaction(kernel, backend=backend).verify()
    assert [backend, "::6"] == transaction(kernel, backend="auto", inbound=False, outbound=False).remove()


def test_verify_tells_leftovers_of_another_backend() -> None:
    """Two sets of rules are one too many."""
    kernel = FakeKernel()
    transaction(kernel, backend="nftables").apply()
    tables = dict(kernel.tables)
    transaction(kernel, backend="iptables-nft").apply()
    kernel.tables = tables
    assert ["iptables-nft: has rules of meshd that should not be there"] == [str(drift) for drift in transaction(kernel).verify()]


def test_verify_without_rules() -> None:
    """A kernel that has none is told in one line, and the address too."""
    expected = ["auto: no capture rules of meshd are in the kernel", "ip: lo: address ::6/128 is missing"]
    assert expected == [str(drift) for drift in transaction(FakeKernel()).verify()]
    assert "nftables: table inet meshd: is missing" == str(transaction(FakeKernel(), backend="nftables").verify()[0])


def test_changed_settings_are_drift_until_applied() -> None:
    """The kernel is held against the settings of now."""
    kernel = FakeKernel()
    transaction(kernel).apply()
    changed = transaction(kernel, exclude_outbound_ports=("5432",))
    assert ["nftables: chain outbound rule 1: missing 'tcp dport 5432 counter return'"] == [str(drift) for drift in changed.verify()]
    assert Applied("nftables", changed=True) == changed.apply()
    assert [] == changed.verify()


def test_capturing_nothing_removes() -> None:
    """Both directions off means no rules, not empty ones."""
    kernel = FakeKernel()
    before = str(kernel.state())
    transaction(kernel).apply()
    off = transaction(kernel, inbound=False, outbound=False)
    assert ["nftables: has rules of meshd that should not be there"] == [str(drift) for drift in off.verify()]
    assert Applied("", changed=True) == off.apply()
    assert [] == off.verify()
    assert before == str(kernel.state())


def test_without_inbound_the_address_goes() -> None:
    """`::6` is there for connections to the application only."""
    kernel = FakeKernel()
    transaction(kernel).apply()
    transaction(kernel, inbound=False).apply()
    assert ["::1/128 scope host"] == kernel.loopback


def test_without_ipv6_in_the_kernel() -> None:
    """No address, no second family."""
    kernel = FakeKernel(missing={"ip6tables-nft-save", "ip6tables-legacy-save"}, loopback=[])
    capture = transaction(kernel, ipv6=False, backend="iptables-nft")
    capture.apply()
    assert [] == capture.verify()


def test_a_failed_application_takes_its_address_back() -> None:
    """All or nothing includes lo."""
    kernel = FakeKernel(failures={"nft --file": "Error: Could not process rule: No space left on device"})
    with pytest.raises(CaptureError, match="No space left"):
        transaction(kernel).apply()
    assert ["::1/128 scope host"] == kernel.loopback


def test_problems_refuse_to_apply_but_not_to_remove() -> None:
    """A mistyped exemption could lock somebody out; removing must always work."""
    kernel = FakeKernel()
    transaction(kernel).apply()
    wrong = transaction(kernel, exclude_inbound_ports=("22; flush ruleset",), backend="pf")
    assert 2 == len(wrong.problems)
    state = str(kernel.state())
    for method in (wrong.apply, wrong.verify):
        with pytest.raises(CaptureError, match=r"node\.yaml:1 \(Node web\): spec\.capture\.excludeInboundPorts\[0\]: expected a port"):
            method()
    assert state == str(kernel.state())
    assert ["nftables", "::6"] == wrong.remove()


def test_remove_goes_on_after_a_failure() -> None:
    """One broken tool does not keep the others' rules in place."""
    kernel = FakeKernel()
    transaction(kernel, backend="iptables-legacy").apply()
    kernel.failures["nft list tables"] = "Operation not permitted"
    with pytest.raises(CaptureError, match=r"^nft: not permitted"):
        transaction(kernel).remove()
    assert [] == [chain for chain in kernel.nat["iptables-legacy"].chains if chain.startswith("MESHD")]
    assert ["::1/128 scope host"] == kernel.loopback


def test_text() -> None:
    """Printing runs nothing."""
    kernel = FakeKernel()
    capture = transaction(kernel)
    assert capture.text() == capture.text("nftables")
    assert capture.text("iptables-nft").startswith("# iptables\n*nat\n")
    assert [] == kernel.commands


def test_asks_the_kernel_for_ipv6() -> None:
    """Either answer is one; without an argument it is the machine's own."""
    assert kernel_has_ipv6() in (True, False)
