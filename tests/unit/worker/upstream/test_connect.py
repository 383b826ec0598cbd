"""Tests of opening connections, on sockets that a test makes."""

import errno
import socket
from typing import ClassVar

import pytest

from meshd.snapshot.cluster import Keepalive
from meshd.worker.upstream import connect
from meshd.worker.upstream.connect import IN_PROGRESS, failure_text, keep_alive, local_address, open_connection


class FakeSocket:
    """Notes what is asked of it."""

    made: ClassVar[list[object]] = []

    def __init__(self, family, kind):
        self.family = family
        self.calls = []
        self.closed = False
        FakeSocket.made.append(self)

    code = IN_PROGRESS
    is_connected = False
    bind_error = None

    def setsockopt(self, *args):
        """Note it."""
        self.calls.append(args)

    def bind(self, address):
        """Note it, or fail."""
        self.calls.append(("bind", address))
        if self.bind_error:
            raise self.bind_error

    def connect_ex(self, address):
        """Note it."""
        self.calls.append(("connect", address))
        return self.code

    def getpeername(self):
        """Fail while there is no peer."""
        if not self.is_connected:
            raise OSError(errno.ENOTCONN, "not connected")
        return ("x", 1)

    def close(self):
        """Note it."""
        self.closed = True


@pytest.fixture
def fake(monkeypatch):
    """Replace sockets."""
    kind = type("Fake", (FakeSocket,), {})
    FakeSocket.made = []
    monkeypatch.setattr(connect.socket, "socket", kind)
    return kind


@pytest.mark.parametrize(("code", "connected", "expected"), [(0, False, 0), (IN_PROGRESS, False, IN_PROGRESS), (IN_PROGRESS, True, 0)])
def test_tells_whether_it_is_connected(fake, code, connected, expected):
    """Local handshakes are over when connect returns, whatever it says."""
    fake.code, fake.is_connected = code, connected
    made, result = open_connection("10.0.0.1", 80, "")
    assert (FakeSocket.made[0], expected) == (made, result)


@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.ENETUNREACH, errno.EADDRNOTAVAIL])
def test_an_immediate_failure_closes_the_socket(fake, code):
    """There is no socket then, only the reason."""
    fake.code = code
    assert (None, code) == open_connection("10.0.0.1", 80, "")
    assert FakeSocket.made[0].closed


def test_a_source_that_is_not_there_is_a_failure(fake):
    """`::6` may be missing on the loopback interface."""
    fake.bind_error = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
    assert (None, errno.EADDRNOTAVAIL) == open_connection("fd00::1", 80, "::6")


@pytest.mark.parametrize(("address", "source", "bound"), [
    ("10.0.0.1", "127.0.0.6", [("127.0.0.6", 0)]), ("fd00::1", "::6", [("::6", 0)]), ("10.0.0.1", "", []),
])
def test_binds_to_a_source(fake, address, source, bound):
    """The port of the source is left to the connect."""
    open_connection(address, 80, source)
    made = FakeSocket.made[0]
    assert bound == [call[1] for call in made.calls if call[0] == "bind"]
    assert (socket.AF_INET6 if ":" in address else socket.AF_INET) == made.family


def test_no_descriptor_is_a_failure(monkeypatch):
    """EMFILE is told like any other reason."""
    def fail(*args):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(connect.socket, "socket", fail)
    assert (None, errno.EMFILE) == open_connection("10.0.0.1", 80, "")


def test_failures_are_written_as_envoy_writes_them():
    """Blanks become underscores."""
    assert "delayed_connect_error:_Connection_refused" == failure_text(errno.ECONNREFUSED)
    assert "immediate_connect_error:_No_such_file_or_directory|remote_address:/run/x" == failure_text(errno.ENOENT, "/run/x")


def test_an_address_that_is_gone_is_empty():
    """A closed socket has no address."""
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    assert "" == local_address(ours)


@pytest.mark.parametrize(("keepalive", "expected"), [
    (Keepalive(3, 60, 5), (1, 3, 60, 5)), (Keepalive(0, 60), (1, None, 60, None)), (Keepalive(*[2**32 - 1] * 3), (1, 127, 32767, 32767)),
])
def test_idle_connections_are_probed(keepalive, expected):
    """What is not said is the system's; the kernel's greatest values count."""
    options = (socket.TCP_KEEPCNT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL)
    with socket.socket(socket.AF_INET) as descriptor:
        usual = [descriptor.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        keep_alive(descriptor, keepalive)
        found = [descriptor.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        assert expected[0] == descriptor.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert [value or default for value, default in zip(expected[1:], usual, strict=True)] == found


def test_only_tcp_is_probed():
    """Other sockets are left alone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        keep_alive(ours, Keepalive(3, 60, 5))
        assert 0 == ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.parametrize("abstract", [False, True])
def test_a_unix_socket(tmp_path, abstract):
    """By path or by name; it is connected at once, whatever the source."""
    place = f"@{tmp_path.name}{id(tmp_path)}" if abstract else str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("\0" + place[1:] if abstract else place)
        listening.listen()
        descriptor, code = open_connection(place, 0, "127.0.0.6")
        assert (0, False) == (code, descriptor.getblocking())
        descriptor.close()


@pytest.mark.parametrize(("place", "code"), [("none", errno.ENOENT), ("", errno.ECONNREFUSED), ("x" * 200, errno.EINVAL), ("a\0b", errno.ENOENT)])
def test_a_unix_socket_that_is_none(tmp_path, place, code):
    """It is absent, no socket, or no path."""
    assert (None, code) == open_connection(f"{tmp_path}/{place}".removesuffix("/"), 0, "")


def test_a_unix_socket_without_descriptors(monkeypatch):
    """They have run out."""
    def fail(*_args):
        raise OSError(errno.EMFILE, "none left")

    monkeypatch.setattr(connect.socket, "socket", fail)
    assert (None, errno.EMFILE) == open_connection("/run/x", 0, "")
