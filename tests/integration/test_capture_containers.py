"""Capture beside containers, with rules as Docker makes them: published ports and the containers' own calls go on working."""

import os
import shutil
from collections.abc import Iterator

import pytest

from meshd.capture.commands import run
from meshd.capture.rules import Identity
from meshd.capture.transaction import CaptureTransaction
from meshd.model.node import CaptureSettings, Ports
from tests.helpers.captured_host import ADDRESSES, APPLICATION_ID, OWN_ID, Machine, listeners, two_machines

NEEDED = ("nft", "iptables-nft", "iptables-legacy", "ip", "sysctl")
HOST, NEIGHBOUR = ADDRESSES["host"][0], ADDRESSES["neighbour"][0]
CONTAINER = "172.17.0.2"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, NEEDED)),
    reason=f"needs root and {', '.join(NEEDED)}, to make machines and capture their connections",
)

DOCKER_RULES = (
    "-N DOCKER",
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    f"-A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination {CONTAINER}:80",
)


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine, Machine]]:
    """A machine, its neighbour, and a container on the machine whose port 80 is published as 8080."""
    with two_machines() as (host, neighbour):
        container = Machine(f"{host.name}-container")
        assert 0 == run(["ip", "netns", "add", container.name], "").status
        try:
            host.must(f"ip link add docker0 type veth peer name eth0 netns {container.name}")
            host.must("ip link set docker0 up")
            host.must("ip address add 172.17.0.1/16 dev docker0")
            host.must("sysctl -q -w net.ipv4.ip_forward=1")
            container.must("ip link set eth0 up")
            container.must(f"ip address add {CONTAINER}/16 dev eth0")
            container.must("ip route add default via 172.17.0.1")
            with (
                listeners(container, APPLICATION_ID, (80,)), listeners(neighbour, APPLICATION_ID, (80,)),
                listeners(host, APPLICATION_ID, (80,)), listeners(host, OWN_ID, (15001, 15006)),
            ):
                yield host, neighbour, container
        finally:
            run(["ip", "netns", "delete", container.name], "")


@pytest.mark.parametrize("backend", ["nftables", "iptables-nft", "iptables-legacy"])
def test_beside_docker(machines: tuple[Machine, Machine, Machine], backend: str) -> None:
    """What Docker forwards stays Docker's; what is addressed to the machine itself, and what the machine calls, is captured."""
    host, neighbour, container = machines
    program = "iptables-legacy" if backend == "iptables-legacy" else "iptables-nft"
    for rule in DOCKER_RULES:
        host.must(f"{program} -t nat {rule}")
    transaction = CaptureTransaction(CaptureSettings(backend=backend), Identity(OWN_ID, OWN_ID), Ports(), host.run)
    before = host.rules()
    transaction.apply()
    assert [] == transaction.verify()
    assert f"80 of 1000: {CONTAINER} 80 from {NEIGHBOUR}" == neighbour.call(HOST, 8080), "a published port"
    assert f"80 of 1000: {NEIGHBOUR} 80 from {HOST}" == container.call(NEIGHBOUR, 80), "a container's call"
    assert f"15006 of 1337: {HOST} 80 from {NEIGHBOUR}" == neighbour.call(HOST, 80), "a port of the machine"
    # Docker's own rule gives what leaves its network, and so what goes to meshd by lo, the machine's address
    assert f"15001 of 1337: {CONTAINER} 80 from {HOST}" == host.call(CONTAINER, 80), "the machine's call to a container"
    assert f"80 of 1000: {CONTAINER} 80 from 172.17.0.1" == host.call(CONTAINER, 80, OWN_ID, OWN_ID), "meshd's call to a container"
    transaction.remove()
    assert before == host.rules()
