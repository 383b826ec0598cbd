"""The filter chains of a port that connections arrive at."""

import pytest

from meshd.base.origins import Origin
from meshd.compile.inbound_chains import CHAINS, MUTUAL, MUTUAL_HTTP, MUTUAL_TCP, Place, inspectors
from meshd.compile.peer_modes import PeerRule
from meshd.model.server_tls import Certificate, ServerTls
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import ListenerFilter
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy

HTTP, TCP = HttpConnectionManager("h"), TcpProxy("t", "t")
PLAIN = ("http/1.1", "h2c")
WEB, STRICTLY = Origin("web.yaml"), Origin("peers.yaml")


def place(mode):
    """Give a port with a rule."""
    return Place("h", "t", FilterChainMatch(8080), "shop.example", PeerRule(mode, (STRICTLY,)), (WEB,))


def told(chain):
    """Give a chain as what it takes, what is offered to clients, and where it leads."""
    return (chain.name, chain.match.transport_protocol, chain.match.application_protocols, chain.tls.application_protocols if chain.tls else None)


@pytest.mark.parametrize(
    ("mode", "http", "tcp", "expected"),
    [
        ("DISABLE", HTTP, TCP, [("h", "raw_buffer", PLAIN, None), ("t", "raw_buffer", (), None)]),
        ("DISABLE", HTTP, None, [("h", "raw_buffer", (), None)]),
        ("DISABLE", None, TCP, [("t", "raw_buffer", (), None)]),
        ("STRICT", HTTP, TCP, [("h", "tls", MUTUAL_HTTP, ("h2", "http/1.1")), ("t", "tls", (), ("istio-peer-exchange", "h2", "http/1.1"))]),
        ("STRICT", HTTP, None, [("h", "tls", (), ("h2", "http/1.1"))]),
        ("STRICT", None, TCP, [("t", "tls", (), ("istio-peer-exchange", "h2", "http/1.1"))]),
        ("PERMISSIVE", HTTP, None, [("h", "tls", MUTUAL, ("h2", "http/1.1")), ("h", "raw_buffer", (), None)]),
        ("PERMISSIVE", None, TCP, [
            ("t", "tls", MUTUAL, ("istio-peer-exchange", "h2", "http/1.1")), ("t", "raw_buffer", (), None), ("t", "tls", (), None)]),
        ("PERMISSIVE", HTTP, TCP, [
            ("h", "tls", MUTUAL_HTTP, ("h2", "http/1.1")), ("h", "raw_buffer", PLAIN, None),
            ("t", "tls", MUTUAL_TCP, ("istio-peer-exchange", "h2", "http/1.1")), ("t", "raw_buffer", (), None), ("t", "tls", (), None)]),
    ],
)  # fmt: skip
def test_what_a_port_takes(mode, http, tcp, expected):
    """By what is asked of clients, and by what it speaks; each chain tells both."""
    found = list(place(mode).chains(http, tcp))
    assert expected == [told(chain) for chain in found]
    assert {(WEB, STRICTLY)} == {chain.origins for chain in found}
    assert {("default",)} >= {chain.tls.certificates for chain in found if chain.tls}
    assert {("spiffe://shop.example/",)} >= {chain.tls.client.prefixes for chain in found if chain.tls}


@pytest.mark.parametrize("key", list(CHAINS))
def test_only_strict_ports_take_no_plain_text(key):
    """Nothing of theirs is for it."""
    mode, _spoken = key
    assert (mode == "STRICT") == all(taken.transport == "tls" and taken.mutual for taken in CHAINS[key])


@pytest.mark.parametrize(("config", "name", "offered"), [(HTTP, "h", ("h2", "http/1.1")), (TCP, "t", ())])
def test_a_port_may_end_tls_by_certificates_of_its_own(config, name, offered):
    """Nothing but TLS finds its chain."""
    found = place("DISABLE").ending(ServerTls("SIMPLE", files=(Certificate("/c", "/k"),)), config)
    assert ((name, "tls", (), offered), ("file-cert:/c~/k",)) == (told(found), found.tls.certificates)


@pytest.mark.parametrize(
    ("chains", "expected"),
    [
        ([(None, "tls", ()), (80, "", ())], [("tls_inspector", ((80, 81),))]),
        ([(None, "raw_buffer", ()), (80, "tls", ()), (90, "tls", ())], [("tls_inspector", ((0, 80), (81, 90), (91, 65536)))]),
        ([(None, "", ()), (65535, "tls", ())], [("tls_inspector", ((0, 65535),))]),
        ([(None, "raw_buffer", PLAIN), (80, "raw_buffer", ()), (70, "tls", MUTUAL_HTTP)],
         [("tls_inspector", ((0, 70), (71, 65536))), ("http_inspector", ((70, 71), (80, 81)))]),
        ([(None, "raw_buffer", ()), (80, "raw_buffer", PLAIN)], [("http_inspector", ((0, 80), (81, 65536)))]),
        ([(None, "", ())], []),
    ],
)
def test_first_bytes_are_looked_at_where_chains_ask(chains, expected):
    """Each inspector skips the other ports."""
    found = inspectors([FilterChain("", FilterChainMatch(port, (), (), transport, alpn), TCP) for port, transport, alpn in chains])
    assert [ListenerFilter(*one) for one in expected] == list(found)
