"""Tests of tunnels after a switch of protocols, over socket pairs."""

import socket

import pytest

from tests.helpers.http_rig import HttpRig
from tests.helpers.worker_rig import ending

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
    assert ([(101, "UC", details, "", 0, 3, HOST)], b"bye", 1) == (rig.logged, rig.got(), rig.closed)


def test_the_worker_stops(rig):
    """Both sides are closed, one line is logged."""
    switch(rig)
    rig.server.break_off()
    rig.server.break_off()
    assert ([101], "fin", "fin") == ([line[0] for line in rig.logged], ending(rig.client), ending(rig.origins[0]))


def test_a_refused_switch_is_an_ordinary_answer(rig):
    """403 with its body passes."""
    rig.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    assert ([(403, "", "via_upstream", "", 0, 2, HOST)], True) == (rig.logged, rig.got().endswith(b"\r\n\r\nno"))


def test_a_connection_that_saw_an_upgrade_carries_nothing_else(rig):
    """An origin that took the offer in another way than by 101 would read other clients' requests as what was switched to."""
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (b"ok", "fin") == (rig.got()[-2:], ending(rig.origins[0]))
