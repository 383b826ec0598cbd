"""Tests of live clusters."""

import attrs
import pytest
from twisted.internet.task import Clock

from meshd.base.origins import Origin
from meshd.snapshot.cluster import Cluster, OutlierDetection, SlowStart, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.worker.upstream.cluster import LiveClusters, Means
from meshd.worker.wire.wheel import Wheel
from tests.helpers.worker_rig import downstream

EDS = Cluster("c", "EDS", lb_policy="ROUND_ROBIN", service_name="s")
DIRECT = Cluster("PassthroughCluster", "ORIGINAL_DST", lb_policy="CLUSTER_PROVIDED")


def assignment(*places, health="HEALTHY", priority=0):
    """Give endpoints at ports of 10.0.0.1."""
    return ClusterLoadAssignment("s", (LocalityEndpoints(
        endpoints=tuple(Endpoint("10.0.0.1", port, health=health) for port in places), priority=priority,
    ),))


def make(cluster=EDS, endpoints=None):
    """Give live clusters over one cluster."""
    clock = Clock()
    clusters = LiveClusters(Means(lambda: 0.0, Wheel(clock), clock.seconds))
    clusters.use({cluster.name: cluster}, {"s": endpoints} if endpoints else {})
    return clusters


def picked(cluster, times=6):
    """Give the ports of several picks."""
    hosts = [cluster.choose(downstream()) for _ in range(times)]
    return {host.port for host in hosts if host is not None}


class Connection:
    """A pooled connection."""

    idle_since = 0.0
    dropped = False

    def drop(self):
        """Note it."""
        self.dropped = True


def test_a_cluster_is_made_on_first_use_and_kept():
    """Asking again gives the same object; an unknown name gives None."""
    clusters = make(endpoints=assignment(1))
    assert (True, None) == (clusters.find("c") is clusters.find("c"), clusters.find("absent"))


def test_hosts_outlive_pushes():
    """A push that adds and removes endpoints keeps the object of those that stay; what is free at the removed ones is closed."""
    clusters = make(endpoints=assignment(1, 2))
    cluster = clusters.find("c")
    stays, goes = cluster.hosts["10.0.0.1", 1], cluster.hosts["10.0.0.1", 2]
    stays.active = 3
    free, other = Connection(), Connection()
    stays.idle.append(free)
    goes.idle.append(other)
    clusters.use({"c": EDS}, {"s": assignment(1, 3)})
    assert (stays, 3, {1, 3}) == (cluster.hosts["10.0.0.1", 1], stays.active, picked(cluster))
    assert (False, True, True) == (free.dropped, other.dropped, goes.removed)


def test_an_equal_push_changes_nothing():
    """Equal resources, though other objects, keep pick and hosts as they are."""
    clusters = make(endpoints=assignment(1, 2))
    cluster = clusters.find("c")
    pick = cluster._pick
    clusters.use({"c": attrs.evolve(EDS)}, {"s": assignment(1, 2)})
    assert pick is cluster._pick


@pytest.mark.parametrize(("changes", "dropped"), [
    ({"source_address": "127.0.0.6"}, True), ({"enable_trailers": True}, True), ({"max_requests_per_connection": 7}, True),
    ({"lb_policy": "RANDOM"}, False), ({"origins": (Origin("other.yaml", 7),)}, False), ({"thresholds": Thresholds(1, 1, 1, 1)}, False),
])
def test_other_settings_of_connections_need_other_connections(changes, dropped):
    """Connections as they were are not used any more, as with Envoy; what matters to the pick, or to nobody, leaves them open."""
    clusters = make(endpoints=assignment(1))
    cluster = clusters.find("c")
    free = Connection()
    cluster.hosts["10.0.0.1", 1].idle.append(free)
    clusters.use({"c": attrs.evolve(EDS, **changes)}, {"s": assignment(1)})
    assert (dropped, {1}) == (free.dropped, picked(cluster))


@pytest.mark.parametrize(("source", "extra", "expected"), [
    ("127.0.0.6", ("::6",), {"10.0.0.1": "127.0.0.6", "fd00::1": "::6"}), ("::6", (), {"10.0.0.1": "", "fd00::1": "::6"}),
    ("", (), {"10.0.0.1": "", "fd00::1": ""}),
])
def test_sources_are_of_the_endpoints_family(source, extra, expected):
    """Each host has the cluster's source of its own family, or none."""
    places = tuple(Endpoint(address, 80) for address in expected)
    cluster = make(
        attrs.evolve(EDS, source_address=source, extra_source_addresses=extra),
        ClusterLoadAssignment("s", (LocalityEndpoints(endpoints=places),)),
    ).find("c")
    assert expected == {host.address: host.source for host in cluster.hosts.values()}


def test_a_removed_cluster_closes_what_is_free():
    """The cluster is gone for new requests."""
    clusters = make(endpoints=assignment(1))
    free = Connection()
    clusters.find("c").hosts["10.0.0.1", 1].idle.append(free)
    clusters.use({}, {})
    assert (True, None) == (free.dropped, clusters.find("c"))


def test_what_is_free_can_be_given_up():
    """The clusters stay as they are, without a free connection."""
    clusters = make(endpoints=assignment(1, 2))
    frees = [Connection(), Connection(), Connection()]
    for free, port in zip(frees, (1, 1, 2), strict=True):
        clusters.find("c").hosts["10.0.0.1", port].idle.append(free)
    clusters.drop_idle()
    assert ([True] * 3, {1, 2}) == ([free.dropped for free in frees], picked(clusters.find("c")))
    assert [[], []] == [host.idle for host in clusters.find("c").hosts.values()]


@pytest.mark.parametrize("endpoints", [None, assignment()])
def test_no_endpoint_no_host(endpoints):
    """A cluster without endpoints chooses none."""
    assert None is make(endpoints=endpoints).find("c").choose(downstream())


@pytest.mark.parametrize(("healthy", "unhealthy", "panic", "expected"), [
    ((1, 2), (3,), None, {1, 2}), ((1,), (2, 3), None, {1, 2, 3}), ((1,), (2, 3), 0.0, {1}), ((), (1, 2), None, {1, 2}), ((), (1, 2), 0.0, set()),
    ((), (1, 2), 10.0, {1, 2}),
])
def test_unhealthy_endpoints_are_used_in_a_panic_only(healthy, unhealthy, panic, expected):
    """Below the threshold of healthy ones all are used; a threshold of 0 switches that off."""
    places = assignment(*healthy).localities + assignment(*unhealthy, health="UNHEALTHY").localities
    cluster = make(attrs.evolve(EDS, panic_threshold_percent=panic), ClusterLoadAssignment("s", places)).find("c")
    assert expected == picked(cluster)


@pytest.mark.parametrize(("first", "second", "expected"), [("HEALTHY", "HEALTHY", {1}), ("UNHEALTHY", "HEALTHY", {2})])
def test_priorities(first, second, expected):
    """The next priority serves when the first has nothing usable."""
    places = assignment(1, health=first).localities + assignment(2, health=second, priority=1).localities
    assert expected == picked(make(attrs.evolve(EDS, panic_threshold_percent=0.0), ClusterLoadAssignment("s", places)).find("c"))


def test_original_destinations_are_hosts():
    """An ORIGINAL_DST cluster goes where the client meant to, over one host object for each place."""
    cluster = make(DIRECT).find("PassthroughCluster")
    host = cluster.choose(downstream())
    assert (("10.1.0.1", 80), True) == ((host.address, host.port), host is cluster.choose(downstream()))


def test_a_port_override():
    """`upstream_port` replaces the destination's port."""
    assert 9 == make(attrs.evolve(DIRECT, upstream_port=9)).find("PassthroughCluster").choose(downstream()).port


def test_our_own_port_is_no_destination():
    """A connection that was not diverted would come back to us."""
    assert None is make(DIRECT).find("PassthroughCluster").choose(downstream(diverted=False))


def test_sweeping_forgets_what_nothing_uses():
    """Idle destinations go, busy ones stay; connections free for too long are closed."""
    clusters = make(attrs.evolve(DIRECT, http_idle_timeout=10.0))
    cluster = clusters.find("PassthroughCluster")
    host = cluster.choose(downstream())
    host.active = 1
    free = Connection()
    host.idle.append(free)
    clusters.sweep(5.0)
    kept = (len(cluster.hosts), free.dropped)
    host.active = 0
    clusters.sweep(100.0)
    assert ((1, False), 0, True) == (kept, len(cluster.hosts), free.dropped)


def test_counts_requests_of_all():
    """Requests in flight are summed over clusters; close forgets all."""
    clusters = make(endpoints=assignment(1))
    clusters.find("c").requests = 4
    before = clusters.requests
    clusters.close()
    assert (4, 0) == (before, clusters.requests)


def test_tells_which_endpoints_are_out_of_use():
    """By cluster; clusters with nothing to tell are not named."""
    watched = attrs.evolve(EDS, outlier_detection=OutlierDetection(consecutive_5xx=1, max_ejection_percent=100))
    clusters = make(watched, assignment(1, 2))
    assert {} == clusters.ejected()
    hosts = clusters.find("c").hosts
    hosts["10.0.0.1", 2].watch.answered(500)
    assert {"c": ["10.0.0.1:2"]} == clusters.ejected()
    clusters.close()


def test_new_endpoints_warm_up_where_asked():
    """Those that came healthy with a later push; the others have been there long enough."""
    clock = Clock()
    clusters = LiveClusters(Means(lambda: 0.0, Wheel(clock), clock.seconds))
    slow = attrs.evolve(EDS, slow_start=SlowStart(60.0))
    clusters.use({"c": slow}, {"s": assignment(1)})
    cluster = clusters.find("c")
    clock.advance(100.0)
    sick = Endpoint("10.0.0.1", 3, health="UNHEALTHY")
    places = LocalityEndpoints(endpoints=(*assignment(1, 2).localities[0].endpoints, sick))
    clusters.use({"c": slow}, {"s": ClusterLoadAssignment("s", (places,))})
    assert [0.0, 100.0, True] == [cluster.hosts["10.0.0.1", 1].since, cluster.hosts["10.0.0.1", 2].since, cluster.hosts["10.0.0.1", 3].since < 0]
    clock.advance(30.0)
    ports = [cluster.choose(downstream()).port for _ in range(60)][30:]
    assert (20, 10) == (ports.count(1), ports.count(2))


@pytest.mark.parametrize(("weighted", "expected"), [(False, {1, 2}), (True, {2})])
def test_weights_of_localities_count_where_the_cluster_says_so(weighted, expected):
    """A locality of no weight is not used then."""
    places = [attrs.evolve(place, weight=weight) for weight, number in ((0, 1), (5, 2)) for place in assignment(number).localities]
    cluster = make(attrs.evolve(EDS, locality_weighted=weighted), ClusterLoadAssignment("s", (*places, attrs.evolve(places[1], weight=1)))).find("c")
    assert expected == picked(cluster)


def test_endpoints_that_warm_up_are_new_when_they_come():
    """Not when somebody asks for them first: one that comes to a quiet cluster begins with less all the same."""
    slow = attrs.evolve(EDS, slow_start=SlowStart(60.0))
    clock = Clock()
    clusters = LiveClusters(Means(lambda: 0.0, Wheel(clock), clock.seconds))
    clusters.use({"c": slow, "quiet": attrs.evolve(EDS, name="quiet")}, {"s": assignment(1)})
    assert ["c"] == list(clusters.live)
    clock.advance(100.0)
    clusters.use({"c": slow}, {"s": assignment(1, 2)})
    assert [0.0, 100.0] == [host.since for host in clusters.find("c").hosts.values()]
