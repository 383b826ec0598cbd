"""Tests of the maps that a worker and its program share."""

import mmap
import os
import socket

from meshd.ipc.forwarding import BELL, ForwardingMaps, cookie_of


def test_descriptors_come_and_go():
    """In one order, and all are closed."""
    descriptors = [os.memfd_create("map") for _ in range(4)]
    os.ftruncate(descriptors[3], 2 * mmap.PAGESIZE + BELL)
    maps = ForwardingMaps.of(descriptors)
    assert tuple(descriptors) == maps.descriptors
    maps.close()
    assert (-1, -1, -1, -1) == maps.descriptors


def test_sockets_have_cookies_of_their_own():
    """The same each time it is asked."""
    one, other = socket.socketpair()
    with one, other:
        assert cookie_of(one) == cookie_of(one) != cookie_of(other)
