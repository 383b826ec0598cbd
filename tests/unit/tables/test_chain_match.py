"""Choosing filter chains in Envoy's order."""

import pytest

from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.network_filter import TcpProxy
from meshd.tables.chain import ChainTable
from meshd.tables.chain_match import build_find_chain
from meshd.tables.interfaces import BuildError
from tests.helpers.exchanges import PlainConnection

HTTP = ("http/1.1",)


def table(name, **match):
    """Give a chain that asks for some criteria."""
    return ChainTable(name, FilterChain(name, FilterChainMatch(**match), TcpProxy("x", name)))


def found(chains, connection, default="default"):
    """Give the name of the chain that takes a connection."""
    find = build_find_chain(chains, table(default) if default else None)
    chain = find(connection)
    return None if chain is None else chain.name


@pytest.mark.parametrize(
    ("chains", "connection", "expected"),
    [
        ([], PlainConnection(), "default"),
        ([table("any")], PlainConnection(), "any"),
        ([table("any"), table("second")], PlainConnection(), "any"),
        # ports
        ([table("80", destination_port=80), table("any")], PlainConnection(destination_port=80), "80"),
        ([table("80", destination_port=80), table("any")], PlainConnection(destination_port=81), "any"),
        ([table("80", destination_port=80)], PlainConnection(destination_port=81), "default"),
        ([table("80", destination_port=80, transport_protocol="tls"), table("any")], PlainConnection(), "default"),
        # addresses
        ([table("8", prefix_ranges=("10.0.0.0/8",)), table("32", prefix_ranges=("10.0.0.1",))], PlainConnection("10.0.0.1"), "32"),
        ([table("8", prefix_ranges=("10.0.0.0/8",)), table("32", prefix_ranges=("10.0.0.1",))], PlainConnection("10.0.0.2"), "8"),
        ([table("8", prefix_ranges=("10.0.0.9/8",))], PlainConnection("10.1.1.1"), "8"),
        ([table("8", prefix_ranges=("10.0.0.0/8",)), table("any")], PlainConnection("11.0.0.1"), "any"),
        ([table("8", prefix_ranges=("10.0.0.0/8",))], PlainConnection("fd00::1"), "default"),
        ([table("v4", prefix_ranges=("0.0.0.0/0",))], PlainConnection("fd00::1"), "default"),
        ([table("v6", prefix_ranges=("fd00::/16", "10.0.0.0/8"))], PlainConnection("fd00::1"), "v6"),
        ([table("v4", prefix_ranges=("10.0.0.0/8",))], PlainConnection("::ffff:10.0.0.1"), "v4"),
        ([table("32", prefix_ranges=("10.0.0.1",), transport_protocol="tls"), table("any")], PlainConnection(), "default"),
        # server names
        ([table("a", server_names=("a.test",)), table("*", server_names=("*.test",))], PlainConnection(server_name="a.test"), "a"),
        ([table("a", server_names=("a.test",)), table("*", server_names=("*.test",))], PlainConnection(server_name="b.a.test"), "*"),
        ([table("*", server_names=("*.test",)), table("**", server_names=("*.a.test",))], PlainConnection(server_name="c.b.a.test"), "**"),
        ([table("*", server_names=("*.test",))], PlainConnection(server_name="test"), "default"),
        ([table("*", server_names=("*.test",))], PlainConnection(server_name=".test"), "default"),
        ([table("*", server_names=("*.test",))], PlainConnection(server_name="a.test."), "default"),
        ([table("*", server_names=("*.test",)), table("any")], PlainConnection(server_name=""), "any"),
        ([table("star", server_names=("*",))], PlainConnection(server_name="x"), "star"),
        ([table("upper", server_names=("A.Test",))], PlainConnection(server_name="a.test"), "upper"),
        ([table("a", server_names=("a.test",), application_protocols=HTTP), table("any")], PlainConnection(server_name="a.test"), "default"),
        # transport and application protocols
        ([table("tls", transport_protocol="tls"), table("any")], PlainConnection(transport_protocol="tls"), "tls"),
        ([table("tls", transport_protocol="tls"), table("any")], PlainConnection(), "any"),
        ([table("raw", transport_protocol="raw_buffer", application_protocols=HTTP), table("any")], PlainConnection(), "default"),
        ([table("http", application_protocols=("http/1.1", "h2c")), table("any")], PlainConnection(application_protocols=("h2c",)), "http"),
        ([table("http", application_protocols=("http/1.1", "h2c")), table("any")], PlainConnection(), "any"),
        ([table("http", application_protocols=HTTP)], PlainConnection(application_protocols=("h2",)), "default"),
        (
            [table("h2", application_protocols=("h2",)), table("1", application_protocols=HTTP)],
            PlainConnection(application_protocols=("http/1.1", "h2")), "1",
        ),
        # an earlier criterion beats any number of later ones
        (
            [table("many", server_names=("a.test",), transport_protocol="tls", application_protocols=HTTP), table("port", destination_port=80)],
            PlainConnection("10.0.0.1", 80, "tls", HTTP, "a.test"), "port",
        ),
    ],
)
def test_the_most_specific_value_of_each_criterion_wins(chains, connection, expected):
    """And what it puts out is out: there is no way back."""
    assert expected == found(chains, connection)


def test_without_a_default_nothing_is_found():
    """The connection is then closed."""
    assert None is found([table("80", destination_port=81)], PlainConnection(), default="")
    assert None is found([], PlainConnection(), default="")


@pytest.mark.parametrize("cidr", ["", "10.0.0.0/33", "ten", "10.0.0", "fd00::/129", "10.0.0.1%eth0"])
def test_refuses_ranges_that_are_none(cidr):
    """With chain and range named."""
    with pytest.raises(BuildError) as caught:
        build_find_chain([table("c", prefix_ranges=(cidr,))], None)
    assert caught.value.reasons[0].startswith(f"filter chain 'c': address range {cidr!r}: ")
