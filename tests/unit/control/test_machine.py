"""The machine's addresses, from netlink messages."""

import socket
import struct

import pytest

from meshd.control.machine import own_address, read_addresses


def attribute(kind: int, value: bytes) -> bytes:
    """Give an rtattr with padding."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes = b"", length: int | None = None) -> bytes:
    """Give an nlmsghdr with its body."""
    return struct.pack("=IHHII", 16 + len(body) if length is None else length, kind, 2, 0, 0) + body


def address(family: int, *attributes: bytes, flags: int = 0x80) -> bytes:
    """Give an RTM_NEWADDR message."""
    return message(20, struct.pack("=BBBBi", family, 24, flags, 0, 1) + b"".join(attributes))


FOUR, OTHER = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
SIX = socket.inet_pton(socket.AF_INET6, "fd00::1")
DONE = message(3, bytes(4))


@pytest.mark.parametrize(("content", "expected"), [
    (DONE, ([], True)),
    (address(2, attribute(1, FOUR), attribute(3, b"eth0\0")), (["10.0.0.1"], False)),
    (address(2, attribute(1, OTHER), attribute(2, FOUR)) + address(10, attribute(1, SIX)) + DONE, (["10.0.0.1", "fd00::1"], True)),
    (address(10, attribute(1, SIX), flags=0x40) + DONE, ([], True)),
    (message(99, b"abcd") + address(2, attribute(2, FOUR)), (["10.0.0.1"], False)),
    (b"", ([], True)),
    (b"short", ([], True)),
    (message(20, b""), ([], False)),
    (message(20, b"", length=0), ([], True)),
    (message(20, b"", length=2**32 - 1), ([], False)),
    (address(2), ([], False)),
    (address(2, b"\0\0\1\0"), ([], False)),
    (address(2, attribute(2, b"abc")), ([], False)),
    (address(10, attribute(2, FOUR)), ([], False)),
], ids=str)
def test_reads_addresses_from_messages(content, expected):
    """Local addresses count, tentative ones do not, and nothing loops on broken lengths."""
    assert expected == read_addresses(content)


@pytest.mark.parametrize(("addresses", "expected"), [
    (("127.0.0.1", "10.0.0.1", "10.0.0.2", "::1"), "10.0.0.1"), (("127.0.0.1", "::1", "fd00::1"), "fd00::1"), (("127.0.0.1", "::1"), "127.0.0.1"),
    ((), "127.0.0.1"),
])
def test_the_own_address_is_the_first_that_others_may_use(addresses, expected):
    """A machine without any is known to itself only."""
    assert expected == own_address(addresses)
