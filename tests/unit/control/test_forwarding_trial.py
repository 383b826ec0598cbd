"""Tests of the trial, with kernels that do not forward."""

import socket

import pytest

from meshd.control import forwarding_trial
from meshd.control.forwarding_trial import try_forwarding


class Nothing:
    """A map that takes all and has nothing."""

    def put(self, key, value):
        """Do nothing."""

    def get(self, key):
        """Have nothing."""

    def delete(self, key):
        """Do nothing."""


class Maps:
    """Maps that no program reads."""

    sockets = ways = grants = Nothing()


def pairs(*connections):
    """Give what hands out connections that are made already."""
    waiting = list(connections)

    def connect(closing):
        for end in waiting[0]:
            closing.enter_context(end)
            end.setblocking(False)
        return waiting.pop(0)

    return connect


def test_bytes_that_do_not_arrive(monkeypatch):
    """Nothing is forwarded at all."""
    monkeypatch.setattr(forwarding_trial, "LIMIT", 0.03)
    monkeypatch.setattr(forwarding_trial, "_connection", pairs(socket.socketpair(), socket.socketpair()))
    with pytest.raises(OSError, match="lost or doubled"):
        try_forwarding(Maps())


def test_bytes_that_do_not_come_back(monkeypatch):
    """All is forwarded, whatever it is told: the client's other end is the server."""
    monkeypatch.setattr(forwarding_trial, "LIMIT", 1.0)
    monkeypatch.setattr(forwarding_trial, "SIZE", 4096)
    (client, server), (inner, outer) = socket.socketpair(), socket.socketpair()
    monkeypatch.setattr(forwarding_trial, "_connection", pairs((client, inner), (outer, server)))
    with pytest.raises(OSError, match="did not get back"):
        try_forwarding(Maps())
