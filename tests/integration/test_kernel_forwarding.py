"""TCP pairs enter the kernel and leave it at any moment: whatever the peers do at each step, no byte is lost, doubled, overtaken or miscounted."""

from functools import partial

import pytest

from meshd.control.forwarding import make_forwarding
from meshd.snapshot.network_filter import TcpProxy
from tests.helpers.kernel_rig import KernelRig, loopback
from tests.helpers.worker_rig import CLUSTER


def _permitted():
    """Tell whether the kernel lets us load the program."""
    try:
        make_forwarding().close()
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _permitted(), reason="BPF is not permitted here")

BULK = 1 << 20

ACTIONS = {
    "nothing": lambda rig: None,
    "client sends": lambda rig: rig.client.send(10),
    "server sends": lambda rig: rig.server.send(10),
    "both send": lambda rig: (rig.client.send(10), rig.server.send(10)),
    "client sends much": lambda rig: rig.client.send(BULK),
    "server sends much": lambda rig: rig.server.send(BULK),
    "client half-closes": lambda rig: rig.client.finish(),
    "server half-closes": lambda rig: rig.server.finish(),
    "client sends and half-closes": lambda rig: (rig.client.send(10), rig.client.finish()),
    "server sends and half-closes": lambda rig: (rig.server.send(10), rig.server.finish()),
    "both half-close": lambda rig: (rig.client.finish(), rig.server.finish()),
    "client resets": lambda rig: rig.client.reset(),
    "server resets": lambda rig: rig.server.reset(),
    "client sends and resets": lambda rig: (rig.client.send(10), rig.client.reset()),
    "server sends and resets": lambda rig: (rig.server.send(10), rig.server.reset()),
    "client half-closes and resets": lambda rig: (rig.client.finish(), _reset(rig.client)),
}


def _reset(peer):
    peer.finished = ""
    peer.reset()


@pytest.fixture
def make():
    """Give a maker of rigs, one at a time."""
    made = []

    def build(*connects):
        while made:
            made.pop().close()
        made.append(KernelRig(*connects))
        return made[-1]

    yield build
    while made:
        made.pop().close()


def verify(rig, where):
    """Hold what arrived against what was sent, and the log's counts against both."""
    assert rig.finish(), where
    client, server = rig.client, rig.server
    [line] = rig.lines
    if "reset" in (client.finished, server.finished):
        assert client.sent.startswith(server.got), where
        assert server.sent.startswith(client.got), where
        assert len(server.got) <= line.bytes_received <= len(client.sent), where
        assert len(client.got) <= line.bytes_sent <= len(server.sent), where
    else:
        assert (client.sent, server.sent) == (server.got, client.got), where
        assert ("fin", "fin") == (client.ended, server.ended), where
        assert (len(client.sent), len(server.sent), "") == (line.bytes_received, line.bytes_sent, line.flags), where
    assert 0 == rig.resources.forwarding.pairs, where


@pytest.mark.parametrize("action", ACTIONS)
def test_at_each_step_into_the_kernel(make, action):
    """Something happens just before or after one access to the maps; then both go on talking."""
    step = 0
    while True:
        rig = make()
        rig.exchange()
        rig.stop_at(step, partial(ACTIONS[action], rig))
        rig.enter()
        if rig.steps <= step:
            break
        rig.exchange()
        verify(rig, step)
        step += 1
    assert step >= 20


@pytest.mark.parametrize("action", ACTIONS)
def test_at_each_step_out_of_the_kernel(make, action):
    """The same on the way back, after which the pair goes there again."""
    step = 0
    while True:
        rig = make()
        rig.enter()
        assert rig.forwarded
        rig.exchange()
        rig.stop_at(step, partial(ACTIONS[action], rig))
        rig.leave()
        if rig.steps <= step:
            break
        rig.exchange()
        if not rig.lines:
            rig.enter()
        rig.exchange()
        verify(rig, step)
        step += 1
    assert step >= 8


PHASES = ("worker", "kernel", "worker again", "kernel again")
TALK = [name for name in ACTIONS if "reset" not in name and "half" not in name]


@pytest.mark.parametrize("end", [name for name in ACTIONS if "reset" in name or "half" in name])
@pytest.mark.parametrize("at", PHASES)
def test_each_end_in_each_phase(make, at, end):
    """Talk in every phase up to the one in which somebody ends, right behind what is on its way."""
    for talk in TALK:
        rig = make()
        for phase in PHASES:
            if phase.startswith("kernel"):
                rig.enter()
            else:
                rig.leave()
            assert phase.startswith("kernel") == rig.forwarded
            if phase == at:
                break
            ACTIONS[talk](rig)
            rig.exchange()
        if "much" not in talk:  # a peer that ends has sent what it had to
            ACTIONS[talk](rig)
        ACTIONS[end](rig)
        verify(rig, talk)


@pytest.mark.parametrize("way", ["up", "down", "both"])
def test_a_peer_that_does_not_read(make, way):
    """What the kernel could not write yet goes first after the way back, and the other way does not wait for it."""
    rig = make()
    for peer in (rig.client, rig.server):
        peer.shrink()
    rig.enter()
    senders = {"up": [rig.client], "down": [rig.server], "both": [rig.client, rig.server]}[way]
    for sender in senders:
        sender.send(16 << 20)
    for _ in range(50):
        rig.turn(readers="")
    assert all(sender.waiting for sender in senders)  # back-pressure reaches it
    rig.leave()
    for sender in senders:
        sender.send(1000)
    if way != "both":
        reader = rig.client if way == "up" else rig.server
        other = rig.server if way == "up" else rig.client
        other.send(1000)
        for _ in range(50):
            rig.turn(readers="client" if way == "up" else "server")
        assert reader.got == other.sent
    rig.exchange()
    verify(rig, way)


@pytest.mark.parametrize("size", [1, 100, 4000])
def test_messages_that_nobody_reads(make, size):
    """The kernel holds no more of them than its credit, the worker takes the pair back, and the sender feels it."""
    rig = make()
    for peer in (rig.client, rig.server):
        peer.shrink()
    rig.enter()
    while rig.forwarded:
        rig.client.send(size)
        rig.pump(1)
        assert len(rig.client.sent) < 8 << 20
    rig.client.send(16 << 20)
    for _ in range(50):
        rig.turn(readers="")
    assert rig.client.waiting
    rig.exchange()
    verify(rig, size)


def test_back_and_forth_under_load(make):
    """A thousand changes while both send as they like."""
    rig = make()
    for number in range(1000):
        if number % 2:
            rig.leave()
        else:
            rig.enter()
        rig.client.send(number * 7919 % 5000)
        rig.server.send(number * 104729 % 5000)
        if number % 3:
            rig.pump()
        rig.client.receive()
        rig.server.receive()
    rig.exchange()
    verify(rig, "end")


def test_a_pair_whose_segments_grow_is_taken_back(make):
    """At the next look, with all that was forwarded counted."""
    rig = make()
    rig.enter()
    for _ in range(40):
        rig.exchange()
    assert rig.forwarded
    rig.turn(1.1)
    assert rig.forwarded
    rig.client.send(BULK)
    rig.exchange()
    rig.turn(1.1)
    assert not rig.forwarded
    rig.exchange()
    verify(rig, "end")


def test_a_pair_that_says_little_is_taken_back(make):
    """Waiting for it in epoll costs less than looking at it."""
    rig = make()
    rig.enter()
    rig.exchange()
    rig.turn(1.1)
    assert not rig.forwarded
    verify(rig, "end")


def test_a_forwarded_pair_is_idle_only_without_bytes(make):
    """The idle timeout counts what the kernel forwarded."""
    rig = make(loopback, loopback, TcpProxy("tcp", CLUSTER, idle_timeout=0.5))
    rig.enter()
    for _ in range(20):
        rig.exchange()
        rig.turn(0.03)
    assert rig.forwarded
    for _ in range(4):
        rig.turn(0.2)
    [line] = rig.lines
    assert (200, 200) == (line.bytes_received, line.bytes_sent)
