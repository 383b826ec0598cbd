"""Telling systemd."""

import socket

import pytest

from meshd.tap.notify import notify, watchdog_interval


def test_a_state_is_sent(tmp_path):
    """To the socket that the environment names, also an abstract one."""
    for name, address in ((str(tmp_path / "n"), str(tmp_path / "n")), ("@meshd-test-notify", "\0meshd-test-notify")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(address)
            assert notify({"NOTIFY_SOCKET": name}, "READY=1")
            assert b"READY=1" == listening.recv(100)


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"NOTIFY_SOCKET": "/absent/socket"}])
def test_nobody_listens(environment):
    """Nothing is sent, nothing is raised."""
    assert not notify(environment, "READY=1")


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, 0.0),
    ({"WATCHDOG_USEC": "20000000"}, 10.0),
    ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "7"}, 10.0),
    ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "8"}, 0.0),
    ({"WATCHDOG_USEC": "soon"}, 0.0),
    ({"WATCHDOG_USEC": "-1"}, 0.0),
])
def test_the_watchdog_is_told_twice_in_its_time(environment, expected):
    """If it watches this process."""
    assert expected == watchdog_interval(environment, 7)
