"""Capture in real network namespaces: what is diverted, what is exempt, what drifts, and that nothing is left."""

import os
import shutil
from collections.abc import Iterator
from typing import get_args

import pytest

from meshd.base.errors import CaptureError
from meshd.capture.rules import Identity
from meshd.capture.transaction import Applied, CaptureTransaction
from meshd.model.node import CaptureSettings, Ports
from tests.helpers.captured_host import ADDRESSES, APPLICATION_ID, OWN_ID, Machine, listeners, two_machines

NEEDED = ("nft", "iptables-nft", "iptables-legacy", "ip")
BACKENDS = ("nftables", "iptables-nft", "iptables-legacy")
HOST, NEIGHBOUR = ADDRESSES["host"], ADDRESSES["neighbour"]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, NEEDED)),
    reason=f"needs root and {', '.join(NEEDED)}, to make machines and capture their connections",
)

MANY_SETTINGS = [
    {},
    {"inbound": False},
    {"outbound": False},
    {"include_inbound_ports": ("80", "8000-8080"), "exclude_inbound_ports": ()},
    {"include_outbound_ports": ("80", "1-9"), "exclude_outbound_ports": ("5432", "6000:6010")},
    {"include_outbound_cidrs": ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "2001:db8::1:2", "::1:2")},
    {"exclude_outbound_cidrs": ("10.1.0.0/16", "::ffff:1.2.3.4")},
    {"include_outbound_cidrs": ("0.0.0.0/0",), "exclude_outbound_cidrs": ("::/0",)},
    {"include_outbound_cidrs": ("127.1.2.3/32",)},
    {"include_uids": ("0", "1000", "65000"), "include_gids": ("5",), "exclude_uids": ("7",), "exclude_gids": ("root",)},
    {"exclude_interfaces": ("eth1", "docker*", "br-0a1b+", "eth0.100", "a@b", "_x")},
]

SABOTAGE = [
    ({
        "nftables": "nft flush chain inet meshd inbound",
        "iptables-nft": "iptables-nft -t nat -F MESHD_INBOUND",
        "iptables-legacy": "iptables-legacy -t nat -F MESHD_INBOUND",
    }, "missing"),
    ({
        "nftables": "nft insert rule inet meshd outbound counter accept",
        "iptables-nft": "iptables-nft -t nat -I MESHD_OUTBOUND -j ACCEPT",
        "iptables-legacy": "ip6tables-legacy -t nat -I MESHD_OUTBOUND -j ACCEPT",
    }, "rule 1: unexpected"),
    ({
        "nftables": "nft flush ruleset",
        "iptables-nft": "nft flush ruleset",
        "iptables-legacy": "iptables-legacy -t nat -D OUTPUT -p tcp -j MESHD_OUTBOUND",
    }, "missing"),
    (dict.fromkeys(BACKENDS, "ip -6 address delete ::6/128 dev lo"), "address ::6/128 is missing"),
]


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    """A machine and its neighbour, each with an application on 80, 22 and 15021, and listeners where meshd has them."""
    with two_machines() as (host, neighbour):
        ports = (80, 22, 15021)
        with listeners(host, APPLICATION_ID, ports), listeners(neighbour, APPLICATION_ID, ports), listeners(host, OWN_ID, (15001, 15006)):
            yield host, neighbour


@pytest.fixture
def host(machines: tuple[Machine, Machine]) -> Iterator[Machine]:
    """The machine, clean before and after."""
    yield machines[0]
    capture(machines[0]).remove()


def capture(host: Machine, **settings: object) -> CaptureTransaction:
    """Give the transaction for settings on a machine."""
    return CaptureTransaction(CaptureSettings(**settings), Identity(OWN_ID, OWN_ID), Ports(), host.run)


def answers(caller: Machine, *calls: tuple[object, ...]) -> list[str]:
    """Make calls one after the other."""
    return [caller.call(*arguments) for arguments in calls]


@pytest.mark.parametrize("backend", BACKENDS)
def test_diverts_and_exempts(machines: tuple[Machine, Machine], host: Machine, backend: str) -> None:
    """Each kind of connection, IPv4 and IPv6, ends where it should, and its destination stays known."""
    assert backend == capture(host, backend=backend).apply().backend
    for own, other, source in ((HOST[0], NEIGHBOUR[0], "127.0.0.6"), (HOST[1], NEIGHBOUR[1], "::6")):
        assert [
            f"15006 of 1337: {own} 80 from {other}",
            f"22 of 1000: {own} 22 from {other}",
            f"15021 of 1000: {own} 15021 from {other}",
        ] == answers(machines[1], (own, 80), (own, 22), (own, 15021)), "inbound"
        assert [
            f"15001 of 1337: {other} 80 from {own}",
            f"15001 of 1337: {other} 22 from {own}",
            f"80 of 1000: {other} 80 from {own}",
            f"80 of 1000: {other} 80 from {own}",
        ] == answers(host, (other, 80), (other, 22, APPLICATION_ID), (other, 80, OWN_ID, OWN_ID), (other, 80, 0, OWN_ID)), "outbound"
        assert [
            f"80 of 1000: {own} 80 from {own}",
            f"80 of 1000: {own} 80 from {source}",
            f"15006 of 1337: {own} 80 from {own}",
            f"80 of 1000: {own} 80 from {own}",
        ] == answers(host, (own, 80), (own, 80, OWN_ID, OWN_ID, source), (own, 80, OWN_ID, OWN_ID), (own, 80, 0, OWN_ID)), "loopback"
    assert ["15001 of 1337: 10.104.15.140 80 from 10.99.0.1"] == answers(host, ("10.104.15.140", 80)), "an address of nobody"


@pytest.mark.parametrize("backend", BACKENDS)
def test_settings_exempt(machines: tuple[Machine, Machine], host: Machine, backend: str) -> None:
    """Ports, ranges, users, groups and interfaces are left alone where the settings say so."""
    four, six = NEIGHBOUR
    exempt = {"exclude_outbound_ports": ("22",), "exclude_outbound_cidrs": (f"{six}/128",), "exclude_uids": ("1001",), "exclude_gids": ("1002",)}
    capture(host, backend=backend, **exempt).apply()
    assert [
        f"22 of 1000: {four} 22 from {HOST[0]}", f"80 of 1000: {six} 80 from {HOST[1]}", f"80 of 1000: {four} 80 from {HOST[0]}",
        f"80 of 1000: {four} 80 from {HOST[0]}", f"15001 of 1337: {four} 80 from {HOST[0]}",
    ] == answers(host, (four, 22), (six, 80), (four, 80, 1001), (four, 80, 0, 1002), (four, 80))
    capture(host, backend=backend, exclude_interfaces=("eth+",)).apply()
    assert [f"80 of 1000: {four} 80 from {HOST[0]}"] == answers(host, (four, 80))
    assert [f"80 of 1000: {HOST[0]} 80 from {four}"] == answers(machines[1], (HOST[0], 80))
    capture(host, backend=backend, include_uids=("1001",), include_inbound_ports=("81",)).apply()
    assert [f"80 of 1000: {four} 80 from {HOST[0]}", f"15001 of 1337: {four} 80 from {HOST[0]}"] == answers(host, (four, 80), (four, 80, 1001))
    assert [f"80 of 1000: {HOST[0]} 80 from {four}"] == answers(machines[1], (HOST[0], 80))


@pytest.mark.parametrize("settings", MANY_SETTINGS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_verifies_what_it_applied(host: Machine, backend: str, settings: dict[str, object]) -> None:
    """The tools print what we wrote, so that drift is never imagined; applying again changes nothing; nothing is left."""
    before = host.rules()
    transaction = capture(host, backend=backend, **settings)
    assert () == transaction.problems
    assert transaction.apply().changed
    assert [] == transaction.verify()
    applied = host.rules()
    assert Applied(backend, changed=False) == transaction.apply()
    assert applied == host.rules()
    capture(host).remove()
    assert before == host.rules()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("sabotage", "expected"), SABOTAGE)
def test_sees_and_mends_drift(host: Machine, backend: str, sabotage: dict[str, str], expected: str) -> None:
    """What somebody else changed is told, and applying again puts it right."""
    transaction = capture(host, backend=backend)
    transaction.apply()
    host.must(sabotage[backend])
    assert any(expected in str(drift) for drift in transaction.verify())
    assert transaction.apply().changed
    assert [] == transaction.verify()


@pytest.mark.parametrize("backend", BACKENDS)
def test_leaves_others_rules_alone(machines: tuple[Machine, Machine], host: Machine, backend: str) -> None:
    """Rules like Docker's stay as they are and come after ours, which see the address the client meant; ours go without a trace."""
    docker = "iptables-legacy" if backend == "iptables-legacy" else "iptables-nft"
    host.must(f"{docker} -t nat -N DOCKER")
    host.must(f"{docker} -t nat -A DOCKER -p tcp -d 10.104.0.7 -j DNAT --to-destination 10.99.0.2")
    host.must(f"{docker} -t nat -A OUTPUT -j DOCKER")
    host.must(f"{docker} -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE")
    host.must("nft add table inet filter")
    try:
        before = host.rules()
        capture(host, backend=backend).apply()
        assert [f"15001 of 1337: 10.104.0.7 80 from {HOST[0]}", f"80 of 1000: 10.99.0.2 80 from {HOST[0]}"] == answers(
            host, ("10.104.0.7", 80), ("10.104.0.7", 80, OWN_ID),
        )
        capture(host, backend=backend, exclude_outbound_ports=("1",)).apply()
        capture(host).remove()
        assert before == host.rules()
    finally:
        host.must("nft flush ruleset")
        host.must("iptables-legacy -t nat -F")
        host.run(["iptables-legacy", "-t", "nat", "-X", "DOCKER"])


def test_a_changed_backend_takes_over(host: Machine) -> None:
    """Each application removes what another backend left, and any transaction removes all."""
    before = host.rules()
    for backend in (*BACKENDS, "auto"):
        transaction = capture(host, backend=backend)
        transaction.apply()
        assert [] == transaction.verify()
    capture(host, inbound=False).remove()
    assert before == host.rules()


def test_without_permission_nothing_happens(host: Machine) -> None:
    """An unprivileged caller is told what is missing."""
    before = host.rules()

    def unprivileged(arguments: object, text: str) -> object:
        return host.run(["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", *arguments], text)

    transaction = CaptureTransaction(CaptureSettings(), Identity(OWN_ID, OWN_ID), Ports(), unprivileged)
    with pytest.raises(CaptureError, match="not permitted; run as root"):
        transaction.apply()
    with pytest.raises(CaptureError, match="not permitted; run as root"):
        transaction.verify()
    assert before == host.rules()


def test_backends_are_all_tested() -> None:
    """A new backend joins these tests."""
    assert {"auto", *BACKENDS} == set(get_args(CaptureSettings.__annotations__["backend"]))
