"""Socket addresses and address ranges."""

import ipaddress

import pytest

from meshd.base.addresses import SocketAddress, canonical_ip, format_address, is_ip_address, is_ipv6, parse_network


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [("10.0.0.1", 80, "10.0.0.1:80"), ("::1", 15001, "[::1]:15001"), ("fd00::1", 0, "[fd00::1]:0")],
)
def test_writes_ipv6_in_brackets(address, port, expected):
    """The text is what Envoy's access log has."""
    assert expected == format_address(address, port)
    assert expected == str(SocketAddress(address, port))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", True),
        ("::", True),
        ("::ffff:10.0.0.1", True),
        ("", False),
        ("10.0.0", False),
        ("10.0.0.1/32", False),
        ("010.0.0.1", False),
        ("[::1]", False),
        ("fe80::1%eth0", False),
        ("10.0.0.1\n", False),
        ("١٠.0.0.1", False),
        ("example.com", False),
    ],
)
def test_tells_addresses_from_other_text(text, expected):
    """Prefixes, brackets, zones, leading zeros and foreign digits make no address."""
    assert expected == is_ip_address(text)


@pytest.mark.parametrize(("address", "expected"), [("10.0.0.1", False), ("::1", True)])
def test_tells_the_families_apart(address, expected):
    """A colon decides."""
    assert expected == is_ipv6(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10.0.0.1", "10.0.0.1"), ("FD00:0:0::1", "fd00::1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("0:0:0:0:0:0:0:1", "::1")],
)
def test_has_one_text_for_an_address(text, expected):
    """IPv6 is compressed and lower case; IPv4-mapped addresses are IPv4."""
    assert expected == canonical_ip(text)


@pytest.mark.parametrize("text", ["", "10.0.0.256", "example.com"])
def test_has_no_text_for_what_is_no_address(text):
    """Other text is refused."""
    with pytest.raises(ValueError, match="does not appear to be"):
        canonical_ip(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("fd00::1", "fd00::1/128"),
        ("::/0", "::/0"),
    ],
)
def test_reads_ranges(text, expected):
    """Host bits may be set; a single address is a range of one."""
    assert ipaddress.ip_network(expected) == parse_network(text)


@pytest.mark.parametrize("text", ["", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "fe80::1%eth0/64", "10.0.0.0/८", "a/8"])
def test_refuses_other_ranges(text):
    """Netmasks, zones, foreign digits and lengths out of range are refused."""
    with pytest.raises(ValueError, match=r"expected|does not appear|Only one|not a valid"):
        parse_network(text)
