"""Tests of reading original destinations, on a socket that answers as the kernel does."""

import socket
import struct

import pytest

from meshd.worker.capture import original_destination, plain_address

IPV4 = struct.pack("!HH4s8x", socket.AF_INET, 80, socket.inet_aton("10.0.0.1"))
IPV6 = struct.pack("!HHI16sI", socket.AF_INET6, 8080, 0, socket.inet_pton(socket.AF_INET6, "fd00::1"), 0)
MAPPED = struct.pack("!HHI16sI", socket.AF_INET6, 80, 0, socket.inet_pton(socket.AF_INET6, "::ffff:10.0.0.1"), 0)


class FakeSocket:
    """Answers getsockopt by level."""

    def __init__(self, family, answers):
        self.family = family
        self.answers = answers

    def getsockopt(self, level, option, size):
        """Give the answer, or fail as for a connection that conntrack does not know."""
        answer = self.answers.get((level, option))
        if answer is None:
            raise OSError(2, "No such file or directory")
        return answer[:size]


@pytest.mark.parametrize(("family", "answers", "expected"), [
    (socket.AF_INET, {(socket.IPPROTO_IP, 80): IPV4}, ("10.0.0.1", 80)),
    (socket.AF_INET, {}, None),
    (socket.AF_INET6, {(socket.IPPROTO_IPV6, 80): IPV6}, ("fd00::1", 8080)),
    (socket.AF_INET6, {(socket.IPPROTO_IPV6, 80): MAPPED}, ("10.0.0.1", 80)),
    (socket.AF_INET6, {(socket.IPPROTO_IP, 80): IPV4}, ("10.0.0.1", 80)),
    (socket.AF_INET6, {}, None),
])
def test_original_destination(family, answers, expected):
    """What the kernel remembers, per family; IPv4 on a dual-stack socket too."""
    assert expected == original_destination(FakeSocket(family, answers))


@pytest.mark.parametrize(("address", "expected"), [
    ("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%eth0", "fe80::1"), ("::ffff:a00:1", "::ffff:a00:1"),
])
def test_plain_address(address, expected):
    """Zones go, mapped addresses are IPv4."""
    assert expected == plain_address(address)
