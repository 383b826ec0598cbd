"""Programs: snapshots made runnable, bit by bit."""

import attrs
import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot
from meshd.tables.interfaces import BuildError, Environment
from meshd.tables.program import build_program, program_slices
from tests.helpers.exchanges import PlainConnection, PlainExchange

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)


ALL = RouteMatch()


def routes(name, cluster="c", match=ALL):
    """Give a route configuration with one virtual host."""
    return RouteConfiguration(name, (VirtualHost("any", ("*",), (Route("r", match, RouteAction(cluster)),)),))


def http(name):
    """Give a chain that routes by name."""
    return FilterChain(name, FilterChainMatch(), HttpConnectionManager("x", name))


def listener(name, address, port, *chains, **settings):
    """Give a listener."""
    return Listener(name, SocketAddress(address, port), chains, **settings)


def snapshot(*listeners, routes=()):
    """Give a snapshot of some listeners and route configurations."""
    return Snapshot(NodeReference("n"), {one.name: one for one in listeners}, {one.name: one for one in routes})


FULL = snapshot(
    listener("virtualOutbound", "0.0.0.0", 15001, bind_to_port=True, use_original_dst=True, additional_addresses=(SocketAddress("::", 15001),)),
    listener("virtualInbound", "0.0.0.0", 15006, bind_to_port=True),
    listener("0.0.0.0_80", "0.0.0.0", 80, http("80"), additional_addresses=(SocketAddress("::", 80),)),
    listener("10.0.0.1_80", "10.0.0.1", 80, http("81")),
    listener("fd00::1_80", "FD00:0::1", 80),
    listener("10.0.0.1_443", "10.0.0.1", 443),
    routes=(routes("80"), routes("81")),
)


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [
        ("10.0.0.1", 80, "10.0.0.1_80"),
        ("10.0.0.2", 80, "0.0.0.0_80"),
        ("fd00::1", 80, "fd00::1_80"),
        ("fd00::2", 80, "0.0.0.0_80"),
        ("10.0.0.1", 443, "10.0.0.1_443"),
        ("10.0.0.2", 443, None),
        ("fd00::1", 443, None),
        ("10.0.0.1", 15001, None),
        ("fd00::1", 15001, None),
        ("10.0.0.1", 15006, "virtualInbound"),
    ],
)
def test_connections_go_to_the_listener_of_their_original_destination(address, port, expected):
    """The exact address, else the wildcard of its family, additional addresses too; never back to where they came from."""
    found = build_program(FULL, ENVIRONMENT).hand_over(address, port)
    assert expected == (None if found is None else found.name)


def test_bound_listeners_are_told_apart():
    """Only those get sockets."""
    program = build_program(FULL, ENVIRONMENT)
    assert ["virtualOutbound", "virtualInbound"] == list(program.bound)
    assert FULL is program.snapshot


def test_a_program_routes():
    """From connection to cluster."""
    program = build_program(FULL, ENVIRONMENT)
    found = program.hand_over("10.0.0.1", 80)
    chain = None if found is None else found.find_chain(PlainConnection())
    assert chain is not None and chain.http is not None
    exchange = PlainExchange()
    chain.http.step(exchange)
    assert exchange.route is not None
    assert "c" == exchange.route.pick_cluster(exchange)


def test_an_empty_snapshot_is_a_program():
    """A proxy that serves nothing."""
    program = build_program(snapshot(), ENVIRONMENT)
    assert ({}, None) == (program.bound, program.hand_over("10.0.0.1", 80))


def test_is_built_in_slices():
    """Each virtual host is one, each route two, each listener one, the Program the last."""
    slices = list(program_slices(FULL, ENVIRONMENT))
    assert 2 + 2 * 2 + 6 + 1 == len(slices)
    assert [None] * 12 == slices[:-1]
    assert slices[-1] is not None


def test_a_change_of_one_route_configuration_leaves_the_rest():
    """Unchanged tables are the same objects; listeners that route by the changed one are new."""
    before = build_program(FULL, ENVIRONMENT)
    changed = attrs.evolve(FULL, routes={"80": routes("80", "new"), "81": FULL.routes["81"]})
    after = build_program(changed, ENVIRONMENT, before)
    assert {"81"} == {name for name, table in after.hosts.items() if table is before.hosts[name]}
    assert {"0.0.0.0_80"} == {name for name, table in after.listeners.items() if table is not before.listeners[name]}
    exchange = PlainExchange()
    chain = after.listeners["0.0.0.0_80"].find_chain(PlainConnection())
    assert chain is not None and chain.http is not None
    chain.http.step(exchange)
    assert exchange.route is not None
    assert "new" == exchange.route.pick_cluster(exchange)


def test_equal_resources_that_were_read_anew_are_taken_over():
    """A push that repeats what is there builds no virtual host."""
    own = routes("own")
    inbound = listener("in", "0.0.0.0", 15006, FilterChain("c", FilterChainMatch(), HttpConnectionManager("x", route_config=own)), bind_to_port=True)
    before = build_program(snapshot(inbound, routes=(routes("80"),)), ENVIRONMENT)
    after = build_program(snapshot(attrs.evolve(inbound, listener_filters_timeout=1.0), routes=(routes("80"),)), ENVIRONMENT, before)
    assert before.hosts["80"].hosts[0][1] is after.hosts["80"].hosts[0][1]
    assert before.listeners["in"].inline[0].hosts[0][1] is after.listeners["in"].inline[0].hosts[0][1]


def test_another_environment_takes_over_nothing():
    """Closures keep what they were built with."""
    before = build_program(FULL, ENVIRONMENT)
    after = build_program(FULL, Environment(lambda: 0.5, lambda exchange: None), before)
    assert [] == [name for name, table in after.listeners.items() if table is before.listeners[name]]


def test_names_every_fault():
    """Of route configurations, and of listeners once those are sound."""
    broken = RouteMatch("regex", "(")
    with pytest.raises(BuildError) as caught:
        build_program(snapshot(routes=(routes("80", match=broken), routes("81", match=broken))), ENVIRONMENT)
    assert ["80", "81"] == [reason.split("route configuration ")[1][:2] for reason in caught.value.reasons]
    bad = FilterChain("c", FilterChainMatch(prefix_ranges=("x",)), TcpProxy("x", "c"))
    own = FilterChain("o", FilterChainMatch(), HttpConnectionManager("x", route_config=routes("own", match=broken)))
    with pytest.raises(BuildError) as caught:
        build_program(snapshot(listener("one", "0.0.0.0", 1, bad), listener("two", "0.0.0.0", 2, own)), ENVIRONMENT)
    assert ["listener one", "listener two"] == [reason.partition(":")[0] for reason in caught.value.reasons]


def test_addresses_that_are_none_do_no_harm():
    """A listener on a UNIX path, say, is found by nobody."""
    program = build_program(snapshot(listener("odd", "/run/x", 0)), ENVIRONMENT)
    assert None is program.hand_over("10.0.0.1", 0)
