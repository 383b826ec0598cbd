"""Tests of places in a queue."""

import pytest
from twisted.internet.task import Clock

from meshd.snapshot.cluster import Cluster
from meshd.worker.upstream.cluster import LiveCluster, Means
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.waiting import Waiting
from meshd.worker.wire.wheel import Wheel
from tests.unit.worker.test_exchange import make


@pytest.fixture
def cluster():
    """Give a cluster."""
    clock = Clock()
    return LiveCluster(Cluster("c", "EDS"), None, Means(lambda: 0.0, Wheel(clock), clock.seconds))


def made(cluster, host, count):
    """Have some exchanges wait."""
    waiting = [Waiting(make()[0], cluster, host) for _ in range(count)]
    assert waiting == [place.exchange.upstream for place in waiting]
    return waiting


def test_the_first_to_come_is_the_first(cluster):
    """A queue is in order, and knows its length; whoever is taken carries nothing."""
    host = UpstreamHost("10.2.0.1", 80)
    first, second, third = made(cluster, host, 3)
    counts = (cluster.waiting, cluster.pending)
    exchange = first.exchange
    taken = first.take()
    assert ((3, 3), exchange, None, [second, third], 2, 2) == (counts, taken, taken.upstream, list(host.queue), cluster.waiting, cluster.pending)


def test_leaving_is_possible_anywhere(cluster):
    """Once; whoever has left is not found any more."""
    host = UpstreamHost("10.2.0.1", 80)
    first, second, third = made(cluster, host, 3)
    second.cancel()
    second.cancel()
    assert ([first, third], None, 2, 2) == (list(host.queue), second.take(), cluster.waiting, cluster.pending)


def test_it_takes_nothing(cluster):
    """The exchange keeps its body meanwhile, and there is nothing that could switch."""
    (place,) = made(cluster, UpstreamHost("10.2.0.1", 80), 1)
    place.send_body(b"x")
    place.send_end()
    place.flush()
    place.pause()
    place.resume()
    assert not place.connected
    with pytest.raises(NotImplementedError):
        place.leave()
