"""Sealed memfds, and what hostile senders make of them."""

import fcntl
import os
import socket

import pytest

from meshd.base.errors import WireError
from meshd.ipc.blobs import create_blob, take_blob


def is_open(descriptor: int) -> bool:
    """Tell whether a descriptor is open."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def unsealed(content: bytes, seals: int = 0) -> int:
    """Give a memfd with some seals only."""
    descriptor = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.write(descriptor, content)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 40_000])
def test_content_arrives_and_the_descriptor_is_closed(content):
    """What was written is read, whatever its size; taking closes."""
    descriptor = create_blob(content)
    assert content == take_blob(descriptor, len(content))
    assert not is_open(descriptor)


def test_content_cannot_change_any_more():
    """All seals are on before it leaves."""
    descriptor = create_blob(b"abc")
    with pytest.raises(PermissionError):
        os.pwrite(descriptor, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 1)
    os.close(descriptor)


def test_it_can_be_taken_twice_through_duplicates():
    """The offset that duplicates share does not matter."""
    descriptor = create_blob(b"abc")
    other = os.dup(descriptor)
    assert [b"abc", b"abc"] == [take_blob(descriptor, 3), take_blob(other, 3)]


@pytest.mark.parametrize("make", [
    lambda: unsealed(b"abc"),
    lambda: unsealed(b"abc", fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW),
    lambda: unsealed(b"abc", fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW),
    lambda: create_blob(b"more than ten bytes"),
    lambda: os.open(os.devnull, os.O_RDONLY),
    lambda: socket.socket().detach(),
    lambda: os.eventfd(0),
], ids=["unsealed", "seals can be added", "writable", "too large", "device", "socket", "eventfd"])
def test_anything_else_is_refused_and_closed(make):
    """What could change, is too large, or is no memfd raises WireError."""
    descriptor = make()
    with pytest.raises(WireError):
        take_blob(descriptor, 10)
    assert not is_open(descriptor)
