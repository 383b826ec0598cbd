"""From connections to filter chains."""

import pytest

from meshd.base.addresses import SocketAddress
from meshd.base.origins import Origin
from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.connections import Detected, find_chain, find_listener, inspect
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.snapshot import NodeReference, Snapshot

RESTORES = (ListenerFilter("original_dst"),)
LISTENERS = (
    Listener("health", SocketAddress("0.0.0.0", 15021), bind_to_port=True, direction="UNSPECIFIED"),
    Listener("virtualOutbound", SocketAddress("0.0.0.0", 15001), bind_to_port=True, use_original_dst=True, listener_filters=RESTORES),
    Listener("virtualInbound", SocketAddress("0.0.0.0", 15006), bind_to_port=True, direction="INBOUND", listener_filters=RESTORES),
    Listener("10.0.0.1_80", SocketAddress("10.0.0.1", 80), origins=(Origin("svc.yaml", 7),)),
    Listener("0.0.0.0_80", SocketAddress("0.0.0.0", 80), additional_addresses=(SocketAddress("::", 80),)),
    Listener("odd", SocketAddress("/run/odd", 80)),
    Listener("edge", SocketAddress("0.0.0.0", 8443), bind_to_port=True),
)
SNAPSHOT = Snapshot(NodeReference("n"), {listener.name: listener for listener in LISTENERS})


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call(address="10.0.0.1", port=80), "10.0.0.1_80"),
        (Call(address="10.0.0.2", port=80), "0.0.0.0_80"),
        (Call(address="fd00::1", port=80), "0.0.0.0_80"),
        (Call(address="10.0.0.1", port=81), "virtualOutbound"),
        (Call("inbound", "10.0.0.1", 80), "virtualInbound"),
        (Call("gateway", "10.0.0.1", 8443), "edge"),
        (Call("gateway", "10.0.0.1", 80), None),
        (Call("gateway", "fd00::1", 8443), None),
    ],
)
def test_finds_the_listener(call, expected):
    """Captured connections by original destination, others by the socket that is bound."""
    answer = Answer()
    found = find_listener(SNAPSHOT, call, answer)
    assert expected == (None if found is None else found.name)
    assert (found is not None) == any(step.matched for step in answer.steps)


def test_quotes_where_the_listener_comes_from():
    """File and line."""
    answer = Answer()
    find_listener(SNAPSHOT, Call(address="10.0.0.1", port=80), answer)
    assert ["", "svc.yaml:7"] == [step.origin for step in answer.steps]


BOTH = (ListenerFilter("tls_inspector", ((443, 444),)), ListenerFilter("http_inspector", ((22, 23),)))


@pytest.mark.parametrize(
    ("call", "filters", "expected"),
    [
        (Call(), BOTH, Detected("raw_buffer", ("http/1.1",), "")),
        (Call(protocol="http2"), BOTH, Detected("raw_buffer", ("h2c",), "")),
        (Call(protocol="tcp"), BOTH, Detected("raw_buffer", (), "")),
        (Call(), (), Detected("raw_buffer", (), "")),
        (Call(port=22), BOTH, Detected("raw_buffer", (), "")),
        (Call(tls="tls", sni="a", alpn=("h2",)), BOTH, Detected("tls", ("h2",), "a")),
        (Call(tls="tls", sni="a", alpn=("h2",), port=443), BOTH, Detected("raw_buffer", (), "")),
    ],
)
def test_inspectors_tell_what_they_look_at(call, filters, expected):
    """Ports that are left out count, and TLS hides HTTP."""
    assert expected == inspect(Listener("l", SocketAddress("0.0.0.0", 80), listener_filters=filters), call, Answer())


def chain(name, **match):
    """Give a chain."""
    return FilterChain(name, FilterChainMatch(**match), TcpProxy("x", name), origins=(Origin(f"{name}.yaml", 1),))


@pytest.mark.parametrize(
    ("chains", "detected", "expected"),
    [
        ([chain("any")], Detected("raw_buffer", (), ""), "any"),
        ([], Detected("raw_buffer", (), ""), "default"),
        ([chain("any"), chain("80", destination_port=80)], Detected("raw_buffer", (), ""), "80"),
        ([chain("80", destination_port=80, transport_protocol="tls"), chain("any")], Detected("raw_buffer", (), ""), "default"),
        ([chain("8", prefix_ranges=("10.0.0.0/8",)), chain("24", prefix_ranges=("10.0.0.0/24", "fd00::/8"))], Detected("raw_buffer", (), ""), "24"),
        ([chain("*", server_names=("*.test",)), chain("a", server_names=("a.test", "b.test"))], Detected("tls", (), "a.test"), "a"),
        ([chain("*", server_names=("*.test",)), chain("**", server_names=("*.a.test",))], Detected("tls", (), "b.a.test"), "**"),
        ([chain("*", server_names=("*.test",))], Detected("tls", (), "test"), "default"),
        ([chain("h2", application_protocols=("h2",)), chain("1", application_protocols=("http/1.1",))], Detected("tls", ("http/1.1", "h2"), ""), "1"),
    ],
)
def test_the_most_specific_chain_is_taken(chains, detected, expected):
    """Criterion by criterion, with no way back."""
    listener = Listener("l", SocketAddress("0.0.0.0", 80), tuple(chains), chain("default"))
    found = find_chain(listener, Call(address="10.0.0.1", port=80), detected, Answer())
    assert expected == (None if found is None else found.name)


def test_tells_why_the_others_were_not():
    """Each by the criterion that put it out, with its origin."""
    answer = Answer()
    chains = (chain("81", destination_port=81), chain("tls", destination_port=80, transport_protocol="tls"), chain("any"))
    listener = Listener("l", SocketAddress("0.0.0.0", 80), chains)
    assert None is find_chain(listener, Call(port=80), Detected("raw_buffer", (), ""), answer)
    assert [
        ("filter chain 81", "destination port is 80, not 81", "81.yaml:1"),
        ("filter chain any", "another is more specific about destination port", "any.yaml:1"),
        ("filter chain tls", "transport protocol is raw_buffer, not tls", "tls.yaml:1"),
        ("filter chain", "none matches, and there is no default", ""),
    ] == [(step.step, step.why, step.origin) for step in answer.steps]


def test_tells_what_a_chain_asked_for():
    """Of many names the first ones; a connection may have none."""
    answer = Answer()
    names = chain("names", server_names=tuple(f"{letter}.test" for letter in "abcdefg"))
    chains = (names, chain("far", prefix_ranges=("10.9.0.0/16",)), chain("h2", application_protocols=("h2", "h3")))
    listener = Listener("l", SocketAddress("0.0.0.0", 80), chains)
    assert None is find_chain(listener, Call(address="10.0.0.1", port=80), Detected("raw_buffer", ("http/1.1",), ""), answer)
    assert [
        "destination address is 10.0.0.1, not 10.9.0.0/16",
        "server name is (none), not a.test or b.test or c.test or d.test or e.test or 2 more",
        "application protocol is http/1.1, not h2 or h3",
    ] == [step.why for step in answer.steps[:3]]
