"""Capture settings: what is read, and that nothing hostile gets through."""

import re

import pytest

from meshd.base.origins import Origin
from meshd.capture.nftables import definition
from meshd.capture.reading import MAX_ENTRIES, Checked, Network, read_id, read_interface, read_network, read_ports, read_settings
from meshd.capture.rules import Identity, build_ruleset
from meshd.model.node import CaptureSettings, Ports

ORIGIN = Origin("node.yaml", 3, "Node", "", "web-1")

HOSTILE = (
    "", " ", "\n", "\0", "-1", "0x50", "8 0", "80;reboot", "$(reboot)", "`reboot`", "80\n-A OUTPUT -j DROP", "80 } delete table ip filter",
    "'", '"', "%s",     "../../etc", "é", "８０", "-j", "--help", "a" * 5000, "10.0.0.0/8; drop",
    "fe80::1%eth0", "1.2.3.4/33", "::/129", "1.2.3", "eth0 accept",
    "eth0\taccept", 'eth0" accept', "eth0\\", "{ 1 }", "#", "!80", "*x", "/", "a/b", "lo:1", "٣",
)


def find_id(name: str) -> int:
    """Know one user and one group."""
    return {"postgres": 113}[name]


def read(settings: CaptureSettings) -> tuple[Checked, list[str]]:
    """Read settings; problems as texts."""
    checked, problems = read_settings(settings, ORIGIN, find_id, find_id)
    return checked, [str(problem) for problem in problems]


@pytest.mark.parametrize(("text", "expected"), [
    ("80", (80, 80)), (" 80 ", (80, 80)), ("8000-8080", (8000, 8080)), ("8000:8080", (8000, 8080)), ("1-65535", (1, 65535)), ("080", (80, 80)),
])
def test_reads_ports(text: str, expected: tuple[int, int]) -> None:
    """Numbers and ranges, written with a dash or, as iptables does, a colon."""
    assert expected == read_ports(text)


@pytest.mark.parametrize("text", [*HOSTILE, "0", "65536", "9-8", "-", "80-", "-80", "1-2-3", "99999999999", "http"])
def test_refuses_what_is_no_port(text: str) -> None:
    """Service names too: their numbers differ between machines."""
    with pytest.raises(ValueError, match="port"):
        read_ports(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("10.0.0.0/8", Network("ip", "10.0.0.0/8")),
    ("10.1.2.3/8", Network("ip", "10.0.0.0/8")),
    ("10.1.2.3", Network("ip", "10.1.2.3")),
    ("10.1.2.3/32", Network("ip", "10.1.2.3")),
    ("0.0.0.0/0", Network("ip", "")),
    ("127.1.2.3/32", Network("ip", "127.1.2.3", loopback=True)),
    ("2001:DB8::/32", Network("ip6", "2001:db8::/32")),
    ("2001:db8:0:0:0:0:0:1", Network("ip6", "2001:db8::1")),
    ("::/0", Network("ip6", "")),
    ("::1", Network("ip6", "::1", loopback=True)),
    ("::1:2", Network("ip6", "::0.1.0.2")),
])
def test_reads_networks(text: str, expected: Network) -> None:
    """Canonical, as the kernel's tools print them, or verifying would see drift where there is none."""
    assert expected == read_network(text)


@pytest.mark.parametrize("text", [*HOSTILE, "10.0.0.0/8/8", "10.0.0.0/255.0.255.0", "example.com", "fe80::%eth0/64"])
def test_refuses_what_is_no_network(text: str) -> None:
    """Names would be looked up by the tool, at a time nobody chose."""
    with pytest.raises(ValueError, match="range"):
        read_network(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("eth1", "eth1"), ("docker*", "docker*"), ("docker+", "docker*"), ("br-0a1b2c", "br-0a1b2c"), ("eth0.100", "eth0.100"),
])
def test_reads_interfaces(text: str, expected: str) -> None:
    """A trailing star or plus stands for any rest."""
    assert expected == read_interface(text)


@pytest.mark.parametrize("text", [
    *(text for text in HOSTILE if text not in ("0x50", "1.2.3")), "*", "+", ".", "..", "sixteen-letters-", "a**", "a+*",
])
def test_refuses_what_is_no_interface(text: str) -> None:
    """Neither what the kernel forbids, nor what a tool could take for an option or a wildcard of everything."""
    with pytest.raises(ValueError, match="interface"):
        read_interface(text)


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("1000", 1000), ("postgres", 113), ("4294967294", 4294967294)])
def test_reads_ids(text: str, expected: int) -> None:
    """Numbers as they are, names looked up on this machine."""
    assert expected == read_id(text, "user", find_id)


@pytest.mark.parametrize("text", [*HOSTILE, "4294967295", "99999999999", "nobody-such"])
def test_refuses_what_is_no_id(text: str) -> None:
    """An unknown name is not skipped in silence: the rule it stands for would be missing."""
    with pytest.raises(ValueError, match="user"):
        read_id(text, "user", find_id)


def test_tells_place_field_and_value() -> None:
    """Each wrong entry is one Problem with its index; the others are read all the same."""
    checked, problems = read(CaptureSettings(exclude_inbound_ports=("22", "x", "90000"), exclude_interfaces=("a b",), include_uids=("ghost",)))
    assert ((22, 22),) == checked.exclude_inbound_ports
    assert [
        "node.yaml:3 (Node web-1): spec.capture.excludeInboundPorts[1]: expected a port or a range such as 8000-8080, got 'x'",
        "node.yaml:3 (Node web-1): spec.capture.excludeInboundPorts[2]: expected ports from 1 to 65535, the first not above the last, got '90000'",
        "node.yaml:3 (Node web-1): spec.capture.includeUids[0]: expected a user id or the name of a user of this machine, got 'ghost'",
        "node.yaml:3 (Node web-1): spec.capture.excludeInterfaces[0]: expected an interface name such as eth1 or docker*, got 'a b'",
    ] == problems


def test_shortens_what_is_quoted() -> None:
    """A message stays readable whatever was written."""
    _, problems = read(CaptureSettings(exclude_uids=("x" * 100000,)))
    assert 1 == len(problems)
    assert 300 > len(problems[0])


def test_limits_a_list() -> None:
    """Rules are tried in order: an endless list would slow every connection."""
    checked, problems = read(CaptureSettings(exclude_inbound_ports=("22",) * (MAX_ENTRIES + 1)))
    assert () == checked.exclude_inbound_ports
    assert ["node.yaml:3 (Node web-1): spec.capture.excludeInboundPorts: expected at most 1000 entries, got 1001"] == problems


def test_star_includes_all_and_excludes_nothing() -> None:
    """`*` among inclusions is Istio's word for all; among exclusions it is a mistake worth telling."""
    checked, problems = read(CaptureSettings(include_inbound_ports=("80", "*"), include_outbound_cidrs=("*",), exclude_outbound_ports=("*",)))
    assert Checked(exclude_inbound_ports=((22, 22),), exclude_outbound_cidrs=(Network("ip", "169.254.169.254"),)) == checked
    assert 1 == len(problems)


def test_repetitions_count_once() -> None:
    """The same port written twice is one rule."""
    checked, problems = read(CaptureSettings(exclude_inbound_ports=("22", "22-22", " 22")))
    assert ((22, 22),) == checked.exclude_inbound_ports
    assert [] == problems


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_never_reach_a_ruleset(value: str) -> None:
    """Whatever stands in every list at once, the text for nft holds nothing but its own words and what was read of the value."""
    names = [name for name in CaptureSettings.__annotations__ if name.startswith(("include", "exclude"))]
    checked, problems = read(CaptureSettings(**dict.fromkeys(names, (value,))))
    assert len(names) - 2 <= len(problems)
    text = definition(build_ruleset(checked, Identity(1337, 1337), Ports()))
    assert re.fullmatch(r'[a-z0-9 \t\n{}:;!="./-]*', text.replace(f'"{value}"', '"x"'))
