"""Who is at the other end."""

import os
import socket

import pytest

from meshd.ipc.credentials import Credentials, peer_credentials


def test_the_peer_of_a_pair_is_this_process():
    """The kernel tells pid, uid and gid."""
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert Credentials(os.getpid(), os.getuid(), os.getgid()) == peer_credentials(one)


def test_a_closed_socket_has_no_peer():
    """There is nobody to ask about."""
    one, other = socket.socketpair(socket.AF_UNIX)
    one.close()
    other.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        peer_credentials(one)
