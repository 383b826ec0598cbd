"""Listeners in Envoy's JSON."""

import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.listener_json import read_listener, write_listener
from meshd.snapshot.network_filter import AccessLog, TcpProxy
from meshd.snapshot.tls import DownstreamTls, PeerCheck

TO_C = TcpProxy("c", "c")
PLACE = SocketAddress("0.0.0.0", 80)


@pytest.mark.parametrize(
    ("match", "message"),
    [
        (FilterChainMatch(), None),
        (FilterChainMatch(80), {"destinationPort": 80}),
        (FilterChainMatch(prefix_ranges=("10.0.0.0/8", "::/0")),
         {"prefixRanges": [{"addressPrefix": "10.0.0.0", "prefixLen": 8}, {"addressPrefix": "::", "prefixLen": 0}]}),
        (FilterChainMatch(server_names=("a", "*.b"), transport_protocol="tls", application_protocols=("h2",)),
         {"serverNames": ["a", "*.b"], "transportProtocol": "tls", "applicationProtocols": ["h2"]}),
    ],
)
def test_chains_and_their_matches(match, message):
    """Without criteria there is no match."""
    listener = Listener("l", PLACE, (FilterChain("a", match, TO_C),), FilterChain("", FilterChainMatch(), TO_C))
    written = write_listener(listener)
    assert message == written["filterChains"][0].get("filterChainMatch")
    assert {"filters"} == set(written["defaultFilterChain"])
    assert listener == read_listener(written)


@pytest.mark.parametrize(
    ("cidr", "message"),
    [("10.0.0.1", {"addressPrefix": "10.0.0.1", "prefixLen": 32}), ("fd00::1", {"addressPrefix": "fd00::1", "prefixLen": 128})],
)
def test_an_address_alone_is_a_range_of_one(cidr, message):
    """Envoy would take a missing length for zero."""
    written = write_listener(Listener("l", PLACE, (FilterChain("a", FilterChainMatch(prefix_ranges=(cidr,)), TO_C),)))
    assert [message] == written["filterChains"][0]["filterChainMatch"]["prefixRanges"]


def test_a_listener_that_is_handed_connections():
    """It is not bound, and says how long it looks at bytes."""
    listener = Listener("l", PLACE, listener_filters=(ListenerFilter("http_inspector"),), additional_addresses=(SocketAddress("::", 80),))
    written = write_listener(listener)
    assert {
        "name": "l", "address": {"socketAddress": {"address": "0.0.0.0", "portValue": 80}},
        "additionalAddresses": [{"address": {"socketAddress": {"address": "::", "portValue": 80}}}],
        "bindToPort": False, "trafficDirection": "OUTBOUND", "continueOnListenerFiltersTimeout": True, "listenerFiltersTimeout": "0s",
        "listenerFilters": [{"name": "envoy.filters.listener.http_inspector", "typedConfig": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector"}}],
    } == written
    assert listener == read_listener(written)


def test_a_listener_that_hands_connections_on():
    """It is bound, and takes one connection at a time off the socket."""
    listener = Listener("virtualOutbound", SocketAddress("::", 15001), bind_to_port=True, use_original_dst=True, access_logs=(AccessLog("/a"),))
    written = write_listener(listener)
    assert (None, True, 1) == (written.get("bindToPort"), written["useOriginalDst"], written["maxConnectionsToAcceptPerSocketEvent"])
    assert [{"responseFlagFilter": {"flags": ["NR"]}}] == [log["filter"] for log in written["accessLog"]]
    assert listener == read_listener(written)


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        ((), None),
        (((80, 81),), {"destinationPortRange": {"start": 80, "end": 81}}),
        (((80, 81), (90, 95)),
         {"orMatch": {"rules": [{"destinationPortRange": {"start": 80, "end": 81}}, {"destinationPortRange": {"start": 90, "end": 95}}]}}),
    ],
)
def test_inspectors_may_skip_ports(ports, message):
    """One range, or any of several."""
    listener = Listener("l", PLACE, listener_filters=(ListenerFilter("tls_inspector", ports), ListenerFilter("original_dst")))
    written = write_listener(listener)
    assert message == written["listenerFilters"][0].get("filterDisabled")
    assert listener == read_listener(written)


def test_chains_for_mutual_tls_stand_among_the_others():
    """They are told by their transport socket, and read back with the others, since a match that is left out would be another's."""
    tls = DownstreamTls(("h2",), client=PeerCheck("ROOTCA", prefixes=("spiffe://cluster.local/",)))
    plain, mutual = FilterChain("a", FilterChainMatch(80), TO_C), FilterChain("a", FilterChainMatch(80, transport_protocol="tls"), TO_C, tls)
    listener = Listener("l", PLACE, (plain,), mutual_tls_chains=(mutual,))
    written = write_listener(listener)
    socket = written["filterChains"][1]["transportSocket"]["typedConfig"]
    assert (True, ["h2"], "default") == (
        socket["requireClientCertificate"], socket["commonTlsContext"]["alpnProtocols"],
        socket["commonTlsContext"]["tlsCertificateSdsSecretConfigs"][0]["name"],
    )
    assert Listener("l", PLACE, (plain, mutual)) == read_listener(written)


@pytest.mark.parametrize(
    "change",
    [
        {"address": {}},
        {"address": {"pipe": {"path": "/run/x"}}},
        {"listenerFilters": [{"name": "envoy.filters.listener.proxy_protocol"}]},
        {"listenerFilters": [{"name": "envoy.filters.listener.tls_inspector", "filterDisabled": {"anyMatch": True}}]},
        {"filterChains": [{"filters": []}]},
        {"filterChains": [{}]},
        {"filterChains": [None]},
        {"listenerFiltersTimeout": "x"},
    ],
)
def test_what_is_not_known_is_refused(change):
    """Rather than served otherwise than it says."""
    with pytest.raises(ValueError, match=r"."):
        read_listener({**write_listener(Listener("l", PLACE)), **change})
