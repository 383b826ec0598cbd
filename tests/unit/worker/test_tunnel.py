"""Tests of tunnels after a switch of protocols, over socket pairs."""

import contextlib
import socket

import pytest

from tests.helpers.http_rig import HttpRig
from tests.helpers.worker_rig import ending, received

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: svc.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
HOST = "10.2.0.1:8080"


@pytest.fixture
def rig():
    """Give a client whose WebSocket request has reached the origin."""
    made = HttpRig()
    made.send(UPGRADE)
    yield made
    made.close()


def switch(rig):
    """Let the origin switch, and read away what that made."""
    rig.asked()
    rig.answer(SWITCH)
    return rig.got()


def test_bytes_pass_both_ways(rig):
    """The 101 is passed on, then bytes; nothing is logged yet."""
    asked = rig.asked()
    rig.answer(SWITCH + b"first")
    got = rig.got()
    rig.send(b"ping")
    rig.answer(b"pong")
    assert (True, True) == (b"upgrade: websocket" in asked, got.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"))
    assert got.endswith(b"\r\n\r\nfirst")
    assert (b"ping", b"pong", []) == (rig.asked(), rig.got(), rig.logged)


def test_bytes_sent_before_the_switch_wait_for_it(rig):
    """Early bytes are held back until the 101 has come (B.websocket-early-bytes)."""
    rig.send(b"early")
    before = rig.asked()
    rig.answer(SWITCH)
    assert (False, b"early") == (b"early" in before, rig.asked())


@pytest.mark.parametrize("how", ["close", "half-close"])
def test_the_client_ends(rig, how):
    """101 DC at once, also on a half-close."""
    switch(rig)
    rig.send(b"ping")
    rig.asked()
    rig.client.close() if how == "close" else rig.client.shutdown(socket.SHUT_WR)
    rig.pump()
    assert ([(101, "DC", "downstream_remote_disconnect", "", 4, 0, HOST)], "fin", 1) == (rig.logged, ending(rig.origins[0]), rig.closed)


def test_the_upstream_ends(rig):
    """101 UC, after what it sent has been delivered."""
    switch(rig)
    rig.answer(b"bye")
    rig.origins[0].close()
    rig.pump()
    details = "upstream_reset_after_response_started{connection_termination}"
    assert ([(101, "UC", details, "", 0, 3, HOST)], b"bye", 0) == (rig.logged, rig.got(), rig.closed)
    rig.send(b"late")
    rig.advance(1.1)
    assert 1 == rig.closed


@pytest.mark.parametrize("origin_ends", [True, False])
def test_a_client_that_takes_nothing(rig, origin_ends):
    """What waits for it is bounded; when the origin ends, the client has a second to take something of it."""
    switch(rig)
    origin = rig.origins[0]
    origin.setblocking(False)
    for _ in range(100):
        with contextlib.suppress(BlockingIOError):
            origin.send(b"x" * 100_000)
        rig.pump(1)
    held = rig.server._stream.queued
    if origin_ends:
        origin.close()
        while not rig.logged:  # what the kernel holds of it
            received(rig.client)
            rig.pump(1)
        for _ in range(3):
            rig.advance(1.1)
    assert (True, int(origin_ends)) == (held < 1_000_000, rig.closed)


def test_the_worker_stops(rig):
    """Both sides are closed, one line is logged."""
    switch(rig)
    rig.server.break_off()
    rig.server.break_off()
    assert ([101], "fin", "fin") == ([line[0] for line in rig.logged], ending(rig.client), ending(rig.origins[0]))


@pytest.mark.parametrize(("answer", "logged", "headers", "body"), [
    (b"403 Forbidden\r\nContent-Length: 2\r\n\r\nno", (403, "", "via_upstream", "", 0, 2, HOST), b"content-length: 2\r\n", b"no"),
    (b"200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\nok", (200, "", "websocket_handshake_unsuccessful", "", 0, 0, HOST), b"x: 1\r\n", b""),
    (b"204 No Content\r\n\r\n", (204, "", "websocket_handshake_unsuccessful", "", 0, 0, HOST), b"", b""),
    (b"101 Switching Protocols\r\n\r\n", (101, "", "via_upstream", "", 0, 0, HOST), b"", b""),
])
def test_a_refused_switch(rig, answer, logged, headers, body):
    """The answer says `close`, since what the client sends next is no request; of one that is no refusal, only the head (B.websocket-refused-*)."""
    rig.answer(b"HTTP/1.1 " + answer)
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n")
    head, _, rest = rig.got().partition(b"\r\n\r\n")
    rig.advance(1.1)
    assert (True, False, body) == (b"\r\nconnection: close" in head, b"service-time" in head, rest)
    assert (True, [logged], "fin", 1) == (headers in head + b"\r\n", rig.logged, ending(rig.origins[0]), rig.closed)


def test_what_is_sent_before_the_switch_is_bounded(rig):
    """It waits in the client's socket when it is much, and all of it arrives."""
    rig.client.setblocking(False)
    left = memoryview(b"x" * 5_000_000)
    for _ in range(200):
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):]
        rig.pump(1)
    held = sum(map(len, rig.server._exchange.kept))
    rig.asked()
    rig.answer(SWITCH)
    got = 0
    while got < 5_000_000:
        got += len(rig.asked())
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):] if left else left
        rig.pump(1)
    rig.client.close()
    rig.pump()
    assert (True, 5_000_000, 5_000_000) == (held < 1_300_000, got, rig.logged[0][4])


def test_a_client_that_goes_before_the_switch(rig):
    """What it had sent counts as received, though nobody got it."""
    rig.send(b"early")
    rig.client.close()
    rig.pump()
    assert [(0, "DC", "downstream_remote_disconnect", "", 5, 0, HOST)] == rig.logged


def test_a_connection_that_saw_an_upgrade_carries_nothing_else(rig):
    """An origin that took the offer in another way than by 101 would read other clients' requests as what was switched to."""
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (b"", "fin") == (rig.got().partition(b"\r\n\r\n")[2], ending(rig.origins[0]))
