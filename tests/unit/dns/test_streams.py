"""Queries over TCP, on a socket of loopback."""

import socket
from contextlib import suppress

import pytest

from meshd.dns import streams
from meshd.dns.answers import Answers
from meshd.ipc.commands import DNS_TCP
from meshd.snapshot.host_addresses import HostAddresses
from meshd.snapshot.snapshot import NodeReference, Snapshot
from tests.helpers.dns_messages import query
from tests.helpers.dns_proxy import Rig


@pytest.fixture(name="rig")
def _rig(tmp_path):
    """Give a rig."""
    made = Rig(str(tmp_path / "resolv.conf"))
    yield made
    made.close()


def has_ended(client: socket.socket) -> bool:
    """Tell whether a connection that does not wait has been ended by the other side."""
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_connections_are_bounded(rig, monkeypatch):
    """In number, in questions that wait, and in what they may say nothing."""
    monkeypatch.setattr(streams, "MAX_CONNECTIONS", 1)
    with socket.create_connection(rig.places[DNS_TCP]) as first, socket.create_connection(rig.places[DNS_TCP]) as second:
        second.setblocking(False)

        rig.upstream.turn_until(lambda: has_ended(second))
        rig.upstream.silent = True
        monkeypatch.setattr(streams, "MAX_PENDING", 2)
        for number in range(3):
            message = query(f"ext{number}.test")
            first.sendall(len(message).to_bytes(2, "big") + message)
        first.setblocking(False)
        rig.upstream.turn_until(lambda: has_ended(first))
        assert has_ended(second)


def test_who_takes_no_answers_is_asked_for_no_more(rig):
    """What waits for a client is bounded, however much it asks; it gets all of it in the end."""
    many = HostAddresses("many.test", tuple(f"10.1.{number // 256}.{number % 256}" for number in range(4000)))
    *_, table = rig.proxy.build(Snapshot(NodeReference("n"), hosts={many.name: many}))
    given = list[int]()
    find = table.find

    class Counting(Answers):
        def find(self, message, question, limit):
            answer = find(message, question, limit)
            given.append(len(answer))
            return answer

    rig.proxy.use(Counting())
    message = query("many.test")
    with socket.create_connection(rig.places[DNS_TCP]) as client:
        client.sendall((len(message).to_bytes(2, "big") + message) * 1000)
        client.setblocking(False)
        for _ in range(50):
            rig.reactor.iterate(0.001)
        assert 0 < len(given) < 500
        taken = 0

        def take() -> bool:
            nonlocal taken
            with suppress(BlockingIOError):
                taken += len(client.recv(1 << 20))
            return taken == 1000 * (2 + given[0])

        rig.upstream.turn_until(take)
