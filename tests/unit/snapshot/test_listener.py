"""Listeners as values."""

from meshd.base.addresses import SocketAddress
from meshd.snapshot.listener import Listener, ListenerFilter


def test_a_listener_is_handed_connections_unless_it_is_bound():
    """Only two are: for connections from here, and to here."""
    found = Listener("l", SocketAddress("10.0.0.1", 80))
    assert (False, False, "OUTBOUND") == (found.bind_to_port, found.use_original_dst, found.direction)


def test_inspectors_wait_for_ever_and_then_go_on():
    """Istio's defaults: no deadline, and with one no connection is closed for it."""
    found = Listener("l", SocketAddress("10.0.0.1", 80))
    assert (0.0, True) == (found.listener_filters_timeout, found.continue_on_listener_filters_timeout)


def test_an_inspector_looks_at_every_port_unless_told_otherwise():
    """Ranges are half open, as Envoy's."""
    assert ((), ((80, 81),)) == (ListenerFilter("tls_inspector").disabled_ports, ListenerFilter("tls_inspector", ((80, 81),)).disabled_ports)
