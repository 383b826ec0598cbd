"""Listeners made runnable."""

import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager, TcpProxy
from meshd.snapshot.route import RouteConfiguration
from meshd.tables.interfaces import Environment
from meshd.tables.listener import build_listener, routes_needed
from tests.helpers.exchanges import PlainConnection

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)
TCP = TcpProxy("x", "c")


def test_keeps_what_the_worker_asks_for():
    """Names, direction, time limits, logs and the original destination."""
    listener = Listener(
        "virtualInbound", SocketAddress("0.0.0.0", 15006), listener_filters=(ListenerFilter("original_dst"),), listener_filters_timeout=2.5,
        continue_on_listener_filters_timeout=False, direction="INBOUND", access_logs=(AccessLog("/x"),),
    )
    table = build_listener(listener, {}, {}, ENVIRONMENT)
    assert ("virtualInbound", "INBOUND", False, True) == (table.name, table.direction, table.use_original_dst, table.takes_original_dst)
    assert (2.5, False, (AccessLog("/x"),)) == (table.detection_timeout, table.continue_on_timeout, table.access_logs)
    assert None is table.find_chain(PlainConnection())


@pytest.mark.parametrize(
    ("filters", "port", "tls", "http"),
    [
        ((), 80, False, False),
        ((ListenerFilter("tls_inspector"),), 80, True, False),
        ((ListenerFilter("http_inspector"),), 80, False, True),
        ((ListenerFilter("tls_inspector", ((80, 81),)), ListenerFilter("http_inspector", ((22, 23), (443, 444)))), 80, False, True),
        ((ListenerFilter("tls_inspector", ((80, 81),)), ListenerFilter("http_inspector", ((22, 23), (443, 444)))), 81, True, True),
        ((ListenerFilter("tls_inspector", ((80, 81),)), ListenerFilter("http_inspector", ((22, 23), (443, 444)))), 443, True, False),
    ],
)
def test_inspectors_leave_out_their_disabled_ports(filters, port, tls, http):
    """Ranges are half open."""
    table = build_listener(Listener("l", SocketAddress("0.0.0.0", 15001), listener_filters=filters), {}, {}, ENVIRONMENT)
    assert (tls, http) == (table.inspects_tls(port), table.inspects_http(port))


def test_the_default_chain_is_taken_last():
    """It matches nothing by itself."""
    chain = FilterChain("80", FilterChainMatch(destination_port=80), TCP)
    default = FilterChain("default", FilterChainMatch(destination_port=80), TCP)
    table = build_listener(Listener("l", SocketAddress("0.0.0.0", 80), (chain,), default), {}, {}, ENVIRONMENT)
    found = [table.find_chain(PlainConnection(destination_port=port)) for port in (80, 81)]
    assert ["80", "default"] == [chain.name for chain in found if chain is not None]
    assert ["80", "default"] == [chain.name for chain in table.chains]


def test_names_the_route_configurations_it_needs():
    """Those that a chain carries itself are no names."""
    filters = (TCP, HttpConnectionManager("x", "80"), HttpConnectionManager("x", route_config=RouteConfiguration("own")))
    chains = tuple(FilterChain("", FilterChainMatch(), config) for config in filters)
    default = FilterChain("", FilterChainMatch(), HttpConnectionManager("x", "81"))
    assert {"80", "81"} == routes_needed(Listener("l", SocketAddress("0.0.0.0", 80), chains, default))
