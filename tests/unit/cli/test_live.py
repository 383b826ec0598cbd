"""Questions to a running meshd, with somebody else at the other end; the real socket is in the integration tests."""

import http.client
import io
from collections.abc import Callable
from typing import Any

import pytest

from meshd.cli.live import LiveError, get, get_json, get_snapshot
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot
from meshd.snapshot.update import find_changes
from meshd.snapshot.wire import encode


class Connection:
    """A connection to a meshd that answers as the test says."""

    def __init__(self, content: bytes = b"", status: int = 200, failure: Exception | None = None) -> None:
        self.content, self.status, self.failure = content, status, failure
        self.pages: list[str] = []
        self.closed = False

    def __call__(self, path: str) -> Any:
        """Be opened."""
        self.path = path
        return self

    def request(self, method: str, page: str) -> None:
        """Note what is asked, or fail."""
        self.pages.append(f"{method} {page}")
        if self.failure is not None:
            raise self.failure

    def getresponse(self) -> Any:
        """Answer."""
        response = io.BytesIO(self.content)
        return type("Response", (), {"status": self.status, "reason": http.client.responses[self.status], "read": response.read})

    def close(self) -> None:
        """Be closed."""
        self.closed = True


def test_gets_a_page() -> None:
    """From admin.sock in the run directory; the connection is closed."""
    connection = Connection(b"ready")
    assert b"ready" == get("/run/x", "/ready", connection)
    assert ("/run/x/admin.sock", ["GET /ready"], True) == (connection.path, connection.pages, connection.closed)


@pytest.mark.parametrize(("connection", "message"), [
    (
        Connection(failure=FileNotFoundError()),
        "no meshd runs here: /r/admin.sock does not exist; name its --run-dir, or read a configuration with --config-dir",
    ),
    (Connection(failure=ConnectionRefusedError()), "no meshd answers at /r/admin.sock; it has ended"),
    (Connection(failure=PermissionError()), "not permitted to ask meshd at /r/admin.sock; run as root"),
    (Connection(failure=TimeoutError("timed out")), "no answer from meshd at /r/admin.sock: timed out"),
    (Connection(failure=http.client.BadStatusLine("junk")), "what answers at /r/admin.sock does not speak HTTP as meshd does"),
    (Connection(failure=ConnectionResetError()), "no answer from meshd at /r/admin.sock: ConnectionResetError"),
    (Connection(status=404), "meshd at /r/admin.sock answers /status with 404 Not Found"),
])
def test_failures(connection: Connection, message: str) -> None:
    """Each with what to do; the connection is closed."""
    with pytest.raises(LiveError) as caught:
        get("/r", "/status", connection)
    assert (message, True) == (str(caught.value), connection.closed)


def test_gets_json() -> None:
    """An object."""
    assert {"a": 1} == get_json("/r", "/status", Connection(b'{"a": 1}'))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100000])
@pytest.mark.parametrize("fetch", [get_json])
def test_refuses_what_is_no_object(content: bytes, fetch: Callable[..., Any]) -> None:
    """Whatever listens there."""
    with pytest.raises(LiveError, match="no JSON object"):
        fetch("/r", "/status", Connection(content))


def test_gets_the_snapshot() -> None:
    """In the bytes that workers get."""
    snapshot = Snapshot(NodeReference("web-1"))
    connection = Connection(encode(find_changes(None, snapshot, {}, dict.fromkeys(PARTS, "1"))))
    assert snapshot == get_snapshot("/r", connection)
    assert ["GET /snapshot.wire"] == connection.pages


def test_nothing_is_served_yet() -> None:
    """Which is no fault of anybody."""
    with pytest.raises(LiveError, match="serves nothing yet"):
        get_snapshot("/r", Connection(b""))


def test_refuses_a_snapshot_that_is_none() -> None:
    """With one line."""
    with pytest.raises(LiveError, match="cannot be read"):
        get_snapshot("/r", Connection(b"junk"))
