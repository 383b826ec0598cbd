"""Tests of who gets which connection, over socket pairs: queues, limits, connects that come late or fail."""

import errno

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, Thresholds
from meshd.worker.upstream.connect import IN_PROGRESS
from tests.helpers.http_rig import ANSWER, REQUEST, HttpRig
from tests.helpers.worker_rig import CLUSTER, ending, received, snapshot

EDS = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)
HOST = "10.2.0.1:8080"
OVERFLOW = "upstream_reset_before_response_started{overflow}"
REFUSED = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"
TIMEOUT = "upstream_reset_before_response_started{connection_timeout}"
LAST = ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def limited(**limits):
    """Give a cluster with limits."""
    return attrs.evolve(EDS, thresholds=Thresholds(**limits))


@pytest.fixture
def make():
    """Give a maker of rigs whose counts are held to what there is in the end."""
    made = []

    def build(cluster=EDS, **world):
        made.append(HttpRig(snapshot(cluster=cluster, **world)))
        return made[-1]

    yield build
    for rig in made:
        for cluster in rig.resources.clusters.live.values():
            assert cluster.waiting >= cluster.pending == sum(len(host.queue) for host in cluster.hosts.values())
            assert cluster.connections == sum(host.connections for host in cluster.hosts.values())
            for host in cluster.hosts.values():
                assert host.connections >= host.connecting + len(host.carriers) >= len(host.idle)
        rig.close()


def ask(rig, clients):
    """Have some more clients ask, one after the other; give their ends."""
    ends = []
    for _ in range(clients):
        client, _server = rig.connect()
        client.sendall(REQUEST)
        rig.pump()
        ends.append(client)
    return ends


def arrive(rig, origin):
    """Have a connect that hangs succeed."""
    received(rig.origins[origin])
    rig.pump()


def only(rig):
    """Give the cluster and its only host."""
    cluster = rig.resources.clusters.live[CLUSTER]
    (host,) = cluster.hosts.values()
    return cluster, host


def counts(rig):
    """Give requests in flight, waiting, pending, connections, connecting, free connections."""
    cluster, host = only(rig)
    return cluster.requests, cluster.waiting, cluster.pending, cluster.connections, host.connecting, len(host.idle)


def statuses(clients):
    """Give what clients were answered by now."""
    return [received(client)[9:12] for client in clients]


def test_requests_queue_for_the_only_connection(make):
    """With `max_connections` reached further requests wait, and are served in their order (A.connections-limit)."""
    rig = make(limited(max_connections=1))
    clients = ask(rig, 3)
    waiting = counts(rig)
    seen = []
    for _ in clients:
        rig.answer(ANSWER, 0)
        seen.append(statuses(clients))
    assert ((3, 2, 2, 1, 0, 0), (0, 0, 0, 1, 0, 1), 1) == (waiting, counts(rig), len(rig.origins))
    assert [[b"200", b"", b""], [b"", b"200", b""], [b"", b"", b"200"]] == seen


def test_the_queue_has_a_limit(make):
    """One more than `max_pending_requests` is answered UO and names no host (A.overflow-pending)."""
    rig = make(limited(max_connections=1, max_pending_requests=1))
    clients = ask(rig, 3)
    assert ([b"", b"", b"503"], [(503, "UO", OVERFLOW, "", 0, 81, "")]) == (statuses(clients), rig.logged)
    assert (1, "") == (rig.lines[0].attempts, rig.lines[0].upstream_local)


def test_requests_over_the_limit_have_their_connection_already(make):
    """`max_requests` counts when a connection is there, which is kept then (A.overflow-requests)."""
    rig = make(limited(max_requests=1))
    clients = ask(rig, 3)
    assert ([b"", b"503", b"503"], [(503, "UO", OVERFLOW, "", 0, 81, HOST)] * 2, (1, 0, 0, 2, 0, 1)) == (statuses(clients), rig.logged, counts(rig))
    assert b"" == rig.asked(1)


def test_those_in_the_queue_are_no_requests_yet(make):
    """`max_requests` leaves them alone."""
    rig = make(limited(max_connections=1, max_requests=1))
    clients = ask(rig, 3)
    rig.answer(ANSWER, 0)
    rig.answer(ANSWER, 0)
    assert [b"200", b"200", b""] == statuses(clients)


def test_whoever_leaves_the_queue_is_passed_over(make):
    """A client that has gone takes no connection from who waits behind it."""
    rig = make(limited(max_connections=1))
    first, second, third = ask(rig, 3)
    second.close()
    rig.pump()
    left = counts(rig)
    rig.answer(ANSWER, 0)
    rig.answer(ANSWER, 0)
    assert ((2, 1, 1, 1, 0, 0), [b"200", b"200"], "DC") == (left, statuses([first, third]), rig.lines[0].flags)


def test_the_route_s_timeout_counts_in_the_queue(make):
    """Its place is free afterwards, and nothing is asked."""
    rig = make(limited(max_connections=1), timeout=0.5)
    clients = ask(rig, 1)
    rig.advance(0.3)
    clients += ask(rig, 1)
    rig.advance(0.3)
    rig.advance(0.3)
    assert ([b"504", b"504"], ["UT", "UT"], (0, 0, 0, 0, 0, 0)) == (statuses(clients), [line.flags for line in rig.lines], counts(rig))


def test_a_connection_that_is_lost_leaves_its_place_to_another(make):
    """Who waits gets a new connection when the only one is used up or gone."""
    rig = make(limited(max_connections=1))
    clients = ask(rig, 3)
    rig.answer(LAST, 0)
    asked = rig.asked(1)
    rig.origins[1].close()
    rig.pump()
    rig.answer(ANSWER, 2)
    assert (True, [b"200", b"503", b"200"], 3) == (asked.startswith(b"GET / "), statuses(clients), len(rig.origins))


def test_a_connect_whose_client_has_gone_is_kept(make):
    """It serves the next request."""
    rig = make()
    rig.refusals = [IN_PROGRESS]
    (client,) = ask(rig, 1)
    client.close()
    rig.pump()
    arrive(rig, 0)
    kept = counts(rig)
    (other,) = ask(rig, 1)
    asked = rig.asked(0)
    rig.answer(ANSWER, 0)
    assert ((0, 0, 0, 1, 0, 1), 1, [b"200"], True) == (kept, len(rig.origins), statuses([other]), asked.startswith(b"GET / "))


def test_the_first_connection_serves_who_came_first(make):
    """Whoever it was begun for."""
    rig = make()
    rig.refusals = [IN_PROGRESS, IN_PROGRESS]
    clients = ask(rig, 2)
    arrive(rig, 1)
    rig.answer(ANSWER, 1)
    first = statuses(clients)
    arrive(rig, 0)
    assert ([b"200", b""], (1, 0, 0, 2, 0, 1)) == (first, counts(rig))


def test_a_connection_begun_for_another_is_written_at_once(make):
    """Nobody reads whom it serves just now: that one may wait for 100 Continue."""
    rig = make()
    rig.refusals = [IN_PROGRESS]
    rig.send(b"POST / HTTP/1.1\r\nHost: svc.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    ask(rig, 1)
    asked = rig.asked(1)
    rig.send(b"ok")
    assert (True, b"ok") == (asked.startswith(b"POST / ") and asked.endswith(b"\r\n\r\n"), rig.asked(1))


def test_a_connection_that_becomes_free_serves_who_waits(make):
    """Nobody waits for a connect while another connection is free; that one is kept."""
    rig = make()
    busy = ask(rig, 1)
    rig.refusals = [IN_PROGRESS]
    waiting = ask(rig, 1)
    rig.answer(ANSWER, 0)
    rig.answer(ANSWER, 0)
    arrive(rig, 1)
    assert ([b"200", b"200"], (0, 0, 0, 2, 0, 2)) == (statuses(busy + waiting), counts(rig))


def test_a_connect_that_fails_fails_all_who_wait(make):
    """As Envoy does; connects that are left are kept for others."""
    rig = make(attrs.evolve(EDS, connect_timeout=1.0))
    rig.refusals = [IN_PROGRESS, IN_PROGRESS]
    clients = ask(rig, 1)
    rig.advance(0.5)
    clients += ask(rig, 1)
    rig.advance(0.6)
    failed = statuses(clients)
    arrive(rig, 1)
    assert ([b"503", b"503"], (0, 0, 0, 1, 0, 1), [(503, "UF", TIMEOUT, "", 0, 91, HOST)] * 2) == (failed, counts(rig), rig.logged)


def test_a_connect_that_fails_fails_the_queue(make):
    """Where no more connections may be made, too."""
    rig = make(attrs.evolve(limited(max_connections=1), connect_timeout=1.0))
    rig.refusals = [IN_PROGRESS]
    clients = ask(rig, 3)
    rig.advance(1.1)
    assert ([b"503"] * 3, (0, 0, 0, 0, 0, 0)) == (statuses(clients), counts(rig))


@pytest.mark.parametrize("limits", [{}, {"max_connections": 1}, {"max_connections": 0}])
def test_refused_connects_leave_nothing(make, limits):
    """Counts are as before."""
    rig = make(limited(**limits))
    rig.refusals = [errno.ECONNREFUSED] * 2
    assert [b"503", b"503"] == statuses(ask(rig, 2))
    assert ([(503, "UF", REFUSED, "delayed_connect_error:_Connection_refused", 0, 98, HOST)] * 2, (0, 0, 0, 0, 0, 0)) == (rig.logged, counts(rig))


def test_a_bad_body_that_came_with_its_head_keeps_both_from_the_upstream(make):
    """A new connection that is there at once is written to when all that has come is read (B.chunk-size-bad)."""
    rig = make()
    client, _server = rig.connect()
    client.sendall(b"POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")
    rig.pump()
    assert [b"400"] == statuses([client])
    assert [b""] == [received(origin) for origin in rig.origins]


def test_one_connection_a_host_may_have(make):
    """Connections to other hosts cannot lock one out for ever."""
    rig = make(limited(max_connections=1), endpoints=(("10.2.0.1", 8080), ("10.2.0.2", 8080)))
    ask(rig, 3)
    assert ([1, 1], 1) == ([rig.asked(origin).count(b"GET") for origin in (0, 1)], rig.resources.clusters.live[CLUSTER].pending)


def test_a_stale_connection_is_replaced_within_the_limit(make):
    """A free connection that its upstream has closed is noticed, and its place is free."""
    rig = make(limited(max_connections=1))
    rig.clock.advance(1.0)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.origins[0].close()
    rig.client.sendall(REQUEST)
    rig.pump()
    asked = rig.asked(1)
    rig.answer(ANSWER, 1)
    assert (True, [200, 200]) == (asked.startswith(b"GET / "), [line.status for line in rig.lines])


def test_a_removed_host_serves_who_waits_for_it(make):
    """What is in flight and in the queue ends; then its connection is closed."""
    rig = make(limited(max_connections=1))
    clients = ask(rig, 2)
    cluster, host = only(rig)
    rig.use(snapshot(cluster=limited(max_connections=1), endpoints=(("10.2.0.2", 8080),)))
    rig.answer(ANSWER, 0)
    rig.answer(ANSWER, 0)
    assert ([b"200", b"200"], "fin", 0, 0) == (statuses(clients), ending(rig.origins[0]), cluster.connections, host.connections)


def test_a_drained_host_makes_new_connections(make):
    """Free ones are closed at once, those in use after their exchange; connects go on."""
    rig = make()
    ask(rig, 2)
    rig.answer(ANSWER, 0)
    _, host = only(rig)
    host.drain()
    at_once = [ending(origin) for origin in rig.origins]
    rig.answer(ANSWER, 1)
    later = ending(rig.origins[1])
    ask(rig, 1)
    assert (["fin", "open"], "fin", True) == (at_once, later, rig.asked(2).startswith(b"GET / "))


@pytest.mark.parametrize(("limit", "closed"), [
    ({"http_idle_timeout": 0.5}, 0.5), ({"http_connection_duration": 0.8}, 0.8), ({"http_idle_timeout": 0.5, "http_connection_duration": 0.3}, 0.3),
])
def test_free_connections_end_in_time(make, limit, closed):
    """At the cluster's limits (A.upstream-idle)."""
    rig = make(attrs.evolve(EDS, **limit))
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.advance(closed - 0.01)
    before = ending(rig.origins[0])
    rig.advance(0.03)
    assert ("open", "fin", (0, 0, 0, 0, 0, 0)) == (before, ending(rig.origins[0]), counts(rig))


def test_a_connection_too_old_serves_its_exchange(make):
    """It is closed afterwards."""
    rig = make(attrs.evolve(EDS, http_connection_duration=0.5))
    rig.send(REQUEST)
    rig.advance(1.0)
    before = ending(rig.origins[0])
    rig.answer(ANSWER)
    assert ("open", "fin", [200]) == (before, ending(rig.origins[0]), [line.status for line in rig.lines])


def test_a_tunnel_counts_until_its_end(make):
    """Its connection is one of `max_connections`, and makes place when it is over."""
    rig = make(limited(max_connections=1))
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    rig.answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    (client,) = ask(rig, 1)
    waiting = counts(rig)
    rig.origins[0].close()
    rig.advance(2.0)
    rig.answer(ANSWER, 1)
    assert ((2, 1, 1, 1, 0, 0), [b"200"], (0, 0, 0, 1, 0, 1)) == (waiting, statuses([client]), counts(rig))


def test_heads_have_the_cluster_s_limit(make):
    """More header lines than it allows are a protocol error (A.response-headers-limit)."""
    rig = make(attrs.evolve(EDS, max_response_headers=3))
    rig.send(REQUEST)
    rig.answer(ANSWER.replace(b"\r\n\r\n", b"\r\na: 1\r\nb: 1\r\nc: 1\r\n\r\n"))
    assert [(502, "UPE")] == [(line.status, line.flags) for line in rig.lines]
