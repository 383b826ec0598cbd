"""Ports that no application is given."""

import socket

import pytest

from meshd.dns.source_ports import bind_apart, ports_apart


@pytest.mark.parametrize(("text", "expected"), [
    ("32768\t60999\n", range(1024, 32768)), ("2048\t40000\n", range(40001, 65536)), ("1024 65535", range(0)), ("x", range(0)), (None, range(0)),
])
def test_the_larger_side_of_the_kernels_range(tmp_path, text, expected):
    """Unless it is too small to choose from."""
    path = tmp_path / "range"
    if text is not None:
        path.write_text(text)
    assert expected == ports_apart(str(path))


class FakeSocket:
    """A socket of a machine on which ports are taken."""

    def __init__(self, taken):
        """Begin unbound."""
        self.taken, self.asked = taken, []

    def bind(self, address):
        """Bind, unless the port is taken."""
        self.asked.append(address[1])
        if address[1] in self.taken:
            raise OSError


def test_another_one_where_one_is_taken():
    """And the kernel's choice where all seem to be."""
    half, none, free = FakeSocket(range(2000, 3000)), FakeSocket(range(1024, 4000)), FakeSocket(())
    bind_apart(half, range(2000, 4000))
    bind_apart(none, range(2000, 4000))
    bind_apart(free, range(0))
    assert (8, []) == (len(none.asked), free.asked)
    assert len(half.asked) == 8 or half.asked[-1] not in half.taken
    assert all(port in half.taken for port in half.asked[:-1])


def test_a_real_socket():
    """Is bound where it was told to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        bind_apart(opened, range(1024, 32768))
        assert 1024 <= opened.getsockname()[1] < 32768
