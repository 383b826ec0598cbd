"""The snapshot's own checks."""

import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.route import RouteConfiguration, VirtualHost
from meshd.snapshot.snapshot import NodeReference, Snapshot, chains_of

PLACE = SocketAddress("10.0.0.1", 80)


def chain(config, name="a"):
    """Give a chain that takes everything."""
    return FilterChain(name, FilterChainMatch(), config)


def snapshot(**parts):
    """Give a snapshot of these resources, each by its name."""
    return Snapshot(NodeReference("n"), **{
        part: {getattr(one, "name", getattr(one, "cluster_name", "")): one for one in resources} for part, resources in parts.items()
    })


BY_NAME = Listener("l", PLACE, (chain(HttpConnectionManager("s", "80")),))
BY_DEFAULT = Listener("l", PLACE, (), chain(HttpConnectionManager("s", "80")))
INLINE = Listener("l", PLACE, (chain(HttpConnectionManager("s", route_config=RouteConfiguration("80"))),))
EDS = Cluster("c", "EDS", service_name="e")
TWICE = RouteConfiguration("80", (VirtualHost("v", ("a", "b")), VirtualHost("w", ("b",))))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, []),
        ({"listeners": [BY_NAME], "routes": [RouteConfiguration("80")]}, []),
        ({"listeners": [BY_NAME]}, ["listener l: chain 'a': no route configuration '80'"]),
        ({"listeners": [BY_DEFAULT]}, ["listener l: chain 'a': no route configuration '80'"]),
        ({"listeners": [INLINE]}, []),
        ({"listeners": [Listener("a", PLACE), Listener("b", PLACE)]}, ["listener b: has the address of listener a"]),
        ({"listeners": [Listener("a", PLACE), Listener("b", SocketAddress("10.0.0.1", 81))]}, []),
        ({"clusters": [EDS], "endpoints": [ClusterLoadAssignment("e")]}, []),
        ({"clusters": [EDS]}, ["cluster c: no endpoints resource 'e'"]),
        ({"clusters": [Cluster("c", "STATIC"), Cluster("d", "ORIGINAL_DST")]}, []),
        ({"routes": [TWICE]}, ["route configuration 80: domain 'b' stands in 'v' and 'w'"]),
        ({"listeners": [Listener("l", PLACE, (chain(TcpProxy("s", "absent")),))]}, []),
    ],
)
def test_references_that_lead_nowhere_are_found(parts, expected):
    """Those that would stop a worker from building; an absent cluster does not, requests are answered 503 NC."""
    assert expected == snapshot(**parts).inconsistencies()


def test_everything_wrong_is_found_at_once():
    """Not the first fault alone."""
    assert 3 == len(snapshot(listeners=[BY_NAME], clusters=[EDS], routes=[RouteConfiguration("81", TWICE.virtual_hosts)]).inconsistencies())


def test_the_default_chain_is_the_last():
    """It is taken when none other is."""
    listener = Listener("l", PLACE, (chain(TcpProxy("s", "c"), "a"), chain(TcpProxy("s", "c"), "b")), chain(TcpProxy("s", "c"), "default"))
    assert ["a", "b", "default"] == [found.name for found in chains_of(listener)]
