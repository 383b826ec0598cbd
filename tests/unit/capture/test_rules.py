"""Settings to ruleset, told as connections: where each ends up."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import attrs
import pytest

from meshd.base.origins import Origin
from meshd.capture.reading import read_network, read_settings
from meshd.capture.rules import Identity, build_ruleset, served_families
from meshd.capture.ruleset import Jump, Redirect, Rule, Ruleset
from meshd.model.metadata import Metadata
from meshd.model.node import CaptureSettings, Node, Ports

APPLICATION, ROOT, MESHD = 1000, 0, 1337
OWN = ("10.0.0.1", "2001:db8::1", "127.0.0.1", "::1")


@attrs.frozen
class Connection:
    """A TCP connection as the kernel sees its first packet."""

    to: str
    port: int = 80
    source: str = "10.0.0.9"
    interface: str = "eth0"
    uid: int = APPLICATION
    gid: int = APPLICATION


def ruleset(settings: CaptureSettings) -> Ruleset:
    """Give the rules for settings that have no problems."""
    checked, problems = read_settings(settings, Origin("test"), int, int)
    assert [] == problems
    return build_ruleset(checked, Identity(MESHD, MESHD), Ports())


def test_a_family_without_listeners_is_left_alone():
    """A Node with addresses of one family is listened for on that one only: what is diverted of the other would be refused."""
    checked, _ = read_settings(CaptureSettings(), Origin("test"), int, int)
    four, six = Connection("10.0.0.1"), Connection("2001:db8::1", source="2001:db8::9")
    for served, expected in (("ip",), (15006, 0, 15001, 0)), (("ip6",), (0, 15006, 0, 15001)), (("ip", "ip6"), (15006, 15006, 15001, 15001)):
        rules = build_ruleset(checked, Identity(MESHD, MESHD), Ports(), served)
        found = tuple(diverted(rules, chain, connection) for chain in (rules.inbound, rules.outbound) for connection in (four, six))
        assert expected == found


@pytest.mark.parametrize(("addresses", "expected"), [
    ((), ("ip",)), (("10.0.0.1",), ("ip",)), (("2001:db8::1",), ("ip6",)), (("10.0.0.1", "2001:db8::1"), ("ip", "ip6")),
])
def test_served_families(addresses, expected):
    """Those that the compiler gives listeners."""
    assert expected == served_families(Node(Metadata("n", Origin("test")), addresses=addresses))


def matches(rule: Rule, connection: Connection) -> bool:
    """Tell whether all conditions of a rule hold."""
    def inside(network: str, address: str) -> bool:
        return ip_address(address) in ip_network(network)

    family = "ip6" if ":" in connection.to else "ip"
    interface = rule.in_interface or rule.out_interface
    return (
        rule.family in ("", family)
        and (not interface or (connection.interface.startswith(interface[:-1]) if interface.endswith("*") else connection.interface == interface))
        and (not rule.source or inside(rule.source, connection.source))
        and (not rule.destination or inside(rule.destination, connection.to) != rule.other_destination)
        and (not rule.foreign or connection.to not in OWN)
        and (rule.ports is None or rule.ports[0] <= connection.port <= rule.ports[1])
        and (rule.uid is None or rule.uid == connection.uid)
        and (rule.gid is None or rule.gid == connection.gid)
    )


def diverted(rules: Ruleset, chain: Sequence[Rule], connection: Connection) -> int:
    """Give the port a connection is diverted to; 0 when it is left alone."""
    for rule in chain:
        if matches(rule, connection):
            if isinstance(rule.action, Redirect):
                return rule.action.port
            if not isinstance(rule.action, Jump):
                return 0
            port = diverted(rules, rules.chains()[rule.action.chain], connection)
            if port:
                return port
    return 0


INBOUND = [
    ("any port of ours", {}, Connection("10.0.0.1"), 15006),
    ("IPv6 alike", {}, Connection("2001:db8::1", source="2001:db8::9"), 15006),
    ("SSH stays reachable", {}, Connection("10.0.0.1", 22), 0),
    ("unless it is asked for", {"exclude_inbound_ports": ()}, Connection("10.0.0.1", 22), 15006),
    ("merged metrics", {}, Connection("10.0.0.1", 15020), 0),
    ("health", {}, Connection("10.0.0.1", 15021), 0),
    ("Prometheus", {}, Connection("10.0.0.1", 15090), 0),
    ("admin", {}, Connection("10.0.0.1", 15000), 0),
    ("the outbound listener", {}, Connection("10.0.0.1", 15001), 0),
    ("own ports whatever is excluded", {"exclude_inbound_ports": ("80",)}, Connection("10.0.0.1", 15021), 0),
    ("an excluded port", {"exclude_inbound_ports": ("80",)}, Connection("10.0.0.1", 80), 0),
    ("within an excluded range", {"exclude_inbound_ports": ("70-90",)}, Connection("10.0.0.1", 80), 0),
    ("beyond it", {"exclude_inbound_ports": ("70-79",)}, Connection("10.0.0.1", 80), 15006),
    ("only included ports", {"include_inbound_ports": ("80",)}, Connection("10.0.0.1", 80), 15006),
    ("no others", {"include_inbound_ports": ("80",)}, Connection("10.0.0.1", 81), 0),
    ("exclusion beats inclusion", {"include_inbound_ports": ("80",), "exclude_inbound_ports": ("80",)}, Connection("10.0.0.1", 80), 0),
    ("all, as Istio says it", {"include_inbound_ports": ("*",)}, Connection("10.0.0.1", 81), 15006),
    ("what is forwarded for containers", {}, Connection("172.17.0.2"), 0),
    ("an excluded interface", {"exclude_interfaces": ("eth1",)}, Connection("10.0.0.1", interface="eth1"), 0),
    ("interfaces by prefix", {"exclude_interfaces": ("docker+",)}, Connection("10.0.0.1", interface="docker0"), 0),
    ("another interface", {"exclude_interfaces": ("eth1", "docker+")}, Connection("10.0.0.1", interface="eth10"), 15006),
]

OUTBOUND = [
    ("a program's call", {}, Connection("10.0.0.2"), 15001),
    ("IPv6 alike", {}, Connection("2001:db8::2", source="2001:db8::1"), 15001),
    ("root is captured", {}, Connection("10.0.0.2", uid=ROOT, gid=ROOT), 15001),
    ("workers are not", {}, Connection("10.0.0.2", uid=MESHD, gid=MESHD), 0),
    ("nor by user alone", {}, Connection("10.0.0.2", uid=MESHD, gid=ROOT), 0),
    ("nor the control plane: root of group meshd", {}, Connection("10.0.0.2", uid=ROOT, gid=MESHD), 0),
    ("the metadata address", {}, Connection("169.254.169.254"), 0),
    ("SSH goes through like all else", {}, Connection("10.0.0.2", 22), 15001),
    ("programs among themselves on 127.0.0.1", {}, Connection("127.0.0.1", source="127.0.0.1", interface="lo"), 0),
    ("and on ::1", {}, Connection("::1", source="::1", interface="lo"), 0),
    ("and on the machine's own address", {}, Connection("10.0.0.1", source="10.0.0.1", interface="lo"), 0),
    ("meshd to the application", {}, Connection("10.0.0.1", source="127.0.0.6", interface="lo", uid=MESHD, gid=MESHD), 0),
    ("IPv6 alike", {}, Connection("2001:db8::1", source="::6", interface="lo", uid=MESHD, gid=MESHD), 0),
    ("the application calls itself through a service", {}, Connection("10.0.0.1", source="10.0.0.1", interface="lo", uid=MESHD), 15006),
    ("IPv6 alike", {}, Connection("2001:db8::1", source="2001:db8::1", interface="lo", uid=MESHD), 15006),
    ("nobody takes it without inbound capture", {"inbound": False}, Connection("10.0.0.1", source="10.0.0.1", interface="lo", uid=MESHD), 0),
    ("a worker's question to a resolver on loopback", {}, Connection("127.0.0.53", 53, "127.0.0.1", "lo", MESHD), 0),
    ("but other ports there, and port 53 elsewhere", {}, Connection("127.0.0.53", 80, "127.0.0.1", "lo", MESHD), 15006),
    ("but other ports there, and port 53 elsewhere", {}, Connection("10.0.0.1", 53, "10.0.0.1", "lo", MESHD), 15006),
    ("a worker's own call to 127.0.0.1", {}, Connection("127.0.0.1", source="127.0.0.1", interface="lo", uid=MESHD), 0),
    ("the control plane's call to this very machine", {}, Connection("10.0.0.1", 6443, "10.0.0.1", "lo", ROOT, MESHD), 0),
    ("a loopback address by name", {"include_outbound_cidrs": ("127.1.2.3",)}, Connection("127.1.2.3", source="127.0.0.1", interface="lo"), 15001),
    ("never 127.0.0.1 itself", {"include_outbound_cidrs": ("127.0.0.0/8",)}, Connection("127.0.0.1", source="127.0.0.1", interface="lo"), 0),
    ("an excluded port", {"exclude_outbound_ports": ("5432",)}, Connection("10.0.0.2", 5432), 0),
    ("only included ports", {"include_outbound_ports": ("80",)}, Connection("10.0.0.2", 80), 15001),
    ("no others", {"include_outbound_ports": ("80",)}, Connection("10.0.0.2", 81), 0),
    ("an included range", {"include_outbound_cidrs": ("10.0.0.0/8",)}, Connection("10.0.0.2"), 15001),
    ("no other", {"include_outbound_cidrs": ("10.0.0.0/8",)}, Connection("192.0.2.1"), 0),
    ("nor IPv6", {"include_outbound_cidrs": ("10.0.0.0/8",)}, Connection("2001:db8::2"), 0),
    ("all of IPv4 alone", {"include_outbound_cidrs": ("0.0.0.0/0",)}, Connection("2001:db8::2"), 0),
    ("ports and ranges add up", {"include_outbound_cidrs": ("10.0.0.0/8",), "include_outbound_ports": ("81",)}, Connection("192.0.2.1", 81), 15001),
    ("ports and ranges add up", {"include_outbound_cidrs": ("10.0.0.0/8",), "include_outbound_ports": ("81",)}, Connection("10.0.0.2", 80), 15001),
    ("exclusion beats inclusion", {"include_outbound_cidrs": ("10.0.0.0/8",), "exclude_outbound_cidrs": ("10.0.0.2",)}, Connection("10.0.0.2"), 0),
    ("an excluded user", {"exclude_uids": ("1000",)}, Connection("10.0.0.2"), 0),
    ("an excluded group", {"exclude_gids": ("1000",)}, Connection("10.0.0.2"), 0),
    ("another user", {"exclude_uids": ("1001",), "exclude_gids": ("1001",)}, Connection("10.0.0.2"), 15001),
    ("only included users", {"include_uids": ("1000",)}, Connection("10.0.0.2"), 15001),
    ("no others", {"include_uids": ("1001",)}, Connection("10.0.0.2"), 0),
    ("or their groups", {"include_uids": ("1001",), "include_gids": ("1000",)}, Connection("10.0.0.2"), 15001),
    ("exclusion beats inclusion of users", {"include_uids": ("1000",), "exclude_gids": ("1000",)}, Connection("10.0.0.2"), 0),
    ("ranges hold for included users too", {"include_uids": ("1000",)}, Connection("169.254.169.254"), 0),
    ("meshd is never included", {"include_uids": (str(MESHD),)}, Connection("10.0.0.2", uid=MESHD), 0),
    ("an excluded interface", {"exclude_interfaces": ("eth1",)}, Connection("10.0.0.2", interface="eth1"), 0),
]


@pytest.mark.parametrize(("case", "settings", "connection", "expected"), INBOUND)
def test_inbound(case: str, settings: dict[str, tuple[str, ...]], connection: Connection, expected: int) -> None:
    """What arrives goes to the inbound listener, but for what is exempt."""
    rules = ruleset(CaptureSettings(**settings))
    assert expected == diverted(rules, rules.inbound, connection), case


@pytest.mark.parametrize(("case", "settings", "connection", "expected"), OUTBOUND)
def test_outbound(case: str, settings: dict[str, tuple[str, ...]], connection: Connection, expected: int) -> None:
    """What leaves goes to the outbound listener, but for what is exempt."""
    rules = ruleset(CaptureSettings(**settings))
    assert expected == diverted(rules, rules.outbound, connection), case


def test_a_direction_that_is_off_has_no_rules() -> None:
    """Nothing is asked of its connections."""
    assert [] == list(ruleset(CaptureSettings(inbound=False, outbound=False)).chains())
    assert ["inbound"] == list(ruleset(CaptureSettings(outbound=False)).chains())
    assert ["destinations", "outbound"] == list(ruleset(CaptureSettings(inbound=False)).chains())


def test_uses_the_ports_of_the_node() -> None:
    """All of meshd's ports are settable."""
    checked, _ = read_settings(CaptureSettings(), Origin("test"), int, int)
    rules = build_ruleset(checked, Identity(5, 6), Ports(outbound=1, inbound=2, admin=3, health=4, prometheus=5))
    assert Redirect(2) == rules.inbound[-1].action
    assert Redirect(1) == rules.destinations[-1].action
    assert [(1, 1), (3, 3), (4, 4), (5, 5), (15020, 15020), (22, 22)] == [rule.ports for rule in rules.inbound if rule.ports]
    assert {5} == {rule.uid for rule in rules.outbound if rule.uid is not None}
    assert {6} == {rule.gid for rule in rules.outbound if rule.gid is not None}


@pytest.mark.parametrize(("settings", "connection", "expected"), [
    ({}, Connection("10.0.0.2", 53), 15053), ({}, Connection("10.0.0.3", 53), 15001), ({}, Connection("10.0.0.2", 54), 15001),
    ({}, Connection("127.0.0.53", 53, interface="lo"), 15053), ({}, Connection("10.0.0.2", 53, uid=MESHD), 0),
    ({}, Connection("10.0.0.2", 53, gid=MESHD), 0), ({"exclude_uids": ("7",)}, Connection("10.0.0.2", 53, uid=7), 0),
    ({"include_uids": ("7",)}, Connection("10.0.0.2", 53, uid=7), 15053), ({"include_uids": ("7",)}, Connection("10.0.0.2", 53), 0),
    ({}, Connection("2001:db8::2", 53, source="2001:db8::9"), 0),
])
def test_questions_go_to_who_answers_them(settings, connection, expected):
    """Those to the machine's name servers, over UDP as over TCP; what is not taken is treated as any connection."""
    checked, problems = read_settings(CaptureSettings(**settings), Origin("test"), int, int)
    checked = attrs.evolve(checked, dns=tuple(read_network(text) for text in ("10.0.0.2", "127.0.0.53", "2001:db8::2")))
    rules = build_ruleset(checked, Identity(MESHD, MESHD), Ports(), ("ip",))
    assert [] == problems
    assert expected == diverted(rules, rules.outbound, connection)
    udp = [rule for rule in rules.dns if rule.protocol == "udp" or not isinstance(rule.action, Redirect)]
    assert (expected if expected == 15053 else 0) == diverted(rules, udp, connection)
