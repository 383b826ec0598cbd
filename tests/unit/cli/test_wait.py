"""`meshctl wait`."""

import http.client

import pytest

from meshd.cli import wait
from tests.helpers.command_line import meshctl


def test_waits_until_meshd_is_ready(monkeypatch):
    """Asks again after a pause."""
    answers, slept = [False, False, True], []
    monkeypatch.setattr(wait, "ask", lambda port: answers.pop(0))
    monkeypatch.setattr(wait.time, "sleep", slept.append)
    result = meshctl("wait")
    assert (0, "", [0.1, 0.1]) == (result.exit_code, result.stderr, slept)


def test_gives_up(monkeypatch):
    """After its time."""
    monkeypatch.setattr(wait, "ask", lambda port: False)
    result = meshctl("wait", "--timeout", "0", "--port", "15022")
    assert (1, "meshctl: no meshd is ready on port 15022 after 0 s\n") == (result.exit_code, result.stderr)


@pytest.mark.parametrize(("status", "expected"), [(200, True), (503, False), (OSError("refused"), False), (http.client.BadStatusLine("x"), False)])
def test_asks_the_health_port(monkeypatch, status, expected):
    """Whatever comes back but 200 is no."""
    asked = []

    class Connection:
        """An HTTP connection."""

        def __init__(self, host, port, timeout):
            asked.append((host, port))

        def request(self, method, path):
            asked.append((method, path))
            if isinstance(status, Exception):
                raise status

        def getresponse(self):
            return type("Response", (), {"status": status})

        def close(self):
            asked.append("closed")

    monkeypatch.setattr(wait.http.client, "HTTPConnection", Connection)
    assert expected is wait.ask(15021)
    assert [("127.0.0.1", 15021), ("GET", "/healthz/ready"), "closed"] == asked
