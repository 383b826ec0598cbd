"""The IPv6 address on lo."""

import pytest

from meshd.base.errors import CaptureError
from meshd.capture.loopback import Loopback, add_address, read_loopback, remove_address
from tests.helpers.fake_kernel import FakeKernel

NEIGHBOUR = "::6/128 scope global"


def test_add_and_remove() -> None:
    """What is added is known again by its metric and removed."""
    kernel = FakeKernel()
    assert add_address(kernel)
    assert Loopback(ipv6=True, there=True, ours=True) == read_loopback(kernel)
    assert remove_address(kernel)
    assert ["::1/128 scope host"] == kernel.loopback


def test_twice_is_once() -> None:
    """Neither adding nor removing again does anything."""
    kernel = FakeKernel()
    assert [True, False] == [add_address(kernel), add_address(kernel)]
    assert [True, False] == [remove_address(kernel), remove_address(kernel)]


def test_somebody_elses_address_is_theirs() -> None:
    """An address that was there before stays."""
    kernel = FakeKernel(loopback=["::1/128 scope host", NEIGHBOUR])
    assert not add_address(kernel)
    assert not remove_address(kernel)
    assert ["::1/128 scope host", NEIGHBOUR] == kernel.loopback


def test_without_ipv6_there_is_nothing_to_add() -> None:
    """Lo has no IPv6 address where IPv6 is switched off, and adding one would fail."""
    kernel = FakeKernel(loopback=[])
    assert not add_address(kernel)
    assert [] == kernel.loopback


@pytest.mark.parametrize(("kernel", "message"), [
    (FakeKernel(missing={"ip"}), "ip is not installed (Debian package iproute2)"),
    (FakeKernel(failures={"ip -6 address add": "RTNETLINK answers: Operation not permitted"}), "ip: not permitted; run as root (CAP_NET_ADMIN)"),
])
def test_failures(kernel: FakeKernel, message: str) -> None:
    """They are told, not passed over."""
    with pytest.raises(CaptureError) as caught:
        add_address(kernel)
    assert message == str(caught.value)
