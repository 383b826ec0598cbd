"""Tests of parts of endpoints, over socket pairs: connections that tell of a client are that client's alone."""

import errno

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, Thresholds
from meshd.worker.upstream.connect import IN_PROGRESS
from meshd.worker.upstream.parts import proxy_header
from tests.helpers.http_rig import ANSWER, REQUEST
from tests.helpers.worker_rig import CLUSTER, downstream, ending, snapshot

EDS = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)
LAST = ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
TOLD = attrs.evolve(EDS, proxy_protocol="V1")
HEADER = b"PROXY TCP4 10.0.0.9 10.1.0.1 4000 80\r\n"


@pytest.fixture
def alone(rigs):
    """Give a maker of rigs whose upstreams are told of clients."""
    return lambda cluster=TOLD, **world: rigs(snapshot(cluster=cluster, **world))


def totals(rig):
    """Give requests, connections, and those in flight to the host."""
    (cluster,) = rig.resources.clusters.live.values()
    (host,) = cluster.hosts.values()
    return cluster.requests, cluster.connections, host.active


def test_upstreams_are_told_of_clients(alone):
    """Once a connection, which is used again for the same client, and closed with it."""
    rig = alone()
    for begin in (HEADER, b""):
        rig.send(REQUEST)
        assert rig.asked().startswith(begin + b"GET / ")
        rig.answer(ANSWER)
    assert ((0, 1, 0), 1, "open") == (totals(rig), len(rig.origins), ending(rig.origins[0]))
    rig.client.close()
    rig.pump()
    assert ((0, 0, 0), "fin", []) == (totals(rig), ending(rig.origins[0]), next(iter(rig.resources.clusters.live[CLUSTER].hosts.values())).parts())


@pytest.mark.parametrize("code", [0, IN_PROGRESS])
def test_a_client_that_goes_before_it_is_answered(alone, code):
    """Its connection is dropped, be it there or not."""
    rig = alone()
    rig.refusals = [code]
    rig.send(REQUEST)
    rig.client.close()
    rig.pump()
    rig.advance(20.0)
    assert (0, 0, 0) == totals(rig)


def test_a_client_s_connection_that_was_closed(alone):
    """Another is made, with a header of its own."""
    rig = alone()
    rig.send(REQUEST)
    rig.answer(LAST)
    rig.origins[0].close()
    rig.pump()
    rig.send(REQUEST)
    assert rig.asked(1).startswith(HEADER + b"GET / ")
    rig.answer(ANSWER)
    assert ((0, 1, 0), [200, 200]) == (totals(rig), [line.status for line in rig.lines])


def test_a_refused_connect_of_a_client(alone):
    """Fails as others do."""
    rig = alone()
    rig.refusals = [errno.ECONNREFUSED]
    rig.send(REQUEST)
    assert ((0, 0, 0), [(503, "UF")]) == (totals(rig), [(line.status, line.flags) for line in rig.lines])


@pytest.mark.parametrize("limits", [{"max_pending_requests": 0}, {"max_requests": 0}])
def test_limits_of_clients_connections(alone, limits):
    """Requests that wait, and those under way."""
    rig = alone(attrs.evolve(TOLD, thresholds=Thresholds(**limits)))
    rig.send(REQUEST)
    assert [(503, "UO")] == [(line.status, line.flags) for line in rig.lines]


def test_limits_of_requests_count_for_what_is_free(alone):
    """The second is over the limit by then."""
    rig = alone()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.resources.clusters.live[CLUSTER].limits = Thresholds(max_requests=0)
    rig.send(REQUEST)
    assert ([(200, ""), (503, "UO")], (0, 1, 0)) == ([(line.status, line.flags) for line in rig.lines], totals(rig))


def test_a_tunnel_of_a_client(alone):
    """Counts until its end."""
    rig = alone()
    rig.send(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
    rig.answer(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    under_way = totals(rig)
    rig.client.close()
    rig.pump()
    assert ((1, 1, 1), (0, 0, 0)) == (under_way, totals(rig))


def test_a_header_tells_of_a_connection():
    """Its peer, and where that meant to connect."""
    assert HEADER == proxy_header(downstream(), "V1")
