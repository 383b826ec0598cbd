"""Tests of who the client is."""

import pytest

from meshd.tables.headers.client_address import build_is_internal, forwarded_address
from meshd.tables.interfaces import BuildError


@pytest.mark.parametrize(("forwarded", "passed_over", "expected"), [
    (None, 0, ""), (b"", 0, ""), (b"1.2.3.4", 0, "1.2.3.4"), (b"1.2.3.4,  5.6.7.8 ", 0, "5.6.7.8"), (b"::1", 0, "::1"), (b"junk", 0, ""),
    (b"1.2.3.4,", 0, ""), (b"1.2.3.4:80", 0, ""), (b"\xff\xfe", 0, ""), (b"fe80::1%eth0", 0, ""),
    (b"1.2.3.4", 1, ""), (b"1.2.3.4,5.6.7.8", 1, "1.2.3.4"), (b"9.9.9.9,1.2.3.4,5.6.7.8", 1, "1.2.3.4"), (b"9.9.9.9,1.2.3.4,5.6.7.8", 2, "9.9.9.9"),
    (b"9.9.9.9,1.2.3.4,5.6.7.8", 3, ""), (b"junk,5.6.7.8", 1, ""), (b",5.6.7.8", 1, ""),
])
def test_addresses_are_counted_from_the_end(forwarded, passed_over, expected):
    """What is no address is nobody's."""
    assert expected == forwarded_address(forwarded, passed_over)


@pytest.mark.parametrize(("address", "expected"), [
    ("10.1.2.3", True), ("11.1.2.3", False), ("127.0.0.1", False), ("fd00::1", True), ("fe80::1", False), ("::ffff:10.1.2.3", False),
])
def test_ranges_tell_internal_clients(address, expected):
    """Of both families; an IPv4 address in the clothes of IPv6 is not taken for one."""
    assert expected is build_is_internal(("10.0.0.0/8", "fd00::/8"))(address)


def test_without_ranges_nobody_is_internal():
    """Envoy's default since 1.33."""
    assert build_is_internal(())("127.0.0.1") is False


def test_bad_ranges_cannot_be_built():
    """The snapshot is refused with the reason."""
    with pytest.raises(BuildError, match=r"internal addresses: expected an address range such as 10\.0\.0\.0/8, got '10\.0\.0\.0/x'"):
        build_is_internal(("10.0.0.0/x",))
