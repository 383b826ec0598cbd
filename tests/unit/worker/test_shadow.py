"""Copies of requests over socket pairs: fed with their originals, never in their way."""

import contextlib
import errno

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.route import Mirror, RetryPolicy
from meshd.tables.mirrors import LONGEST
from meshd.worker.upstream.connect import IN_PROGRESS
from tests.helpers.http_rig import ANSWER, REQUEST
from tests.helpers.worker_rig import ending, snapshot

MIRROR = Cluster("mirror", "STATIC", lb_policy="ROUND_ROBIN")
BEGIN = b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 10\r\n\r\nhello"


@pytest.fixture
def make(rigs):
    """Give a maker of rigs whose requests are mirrored."""
    def build(*mirrors, cluster=MIRROR, **world):
        plain = snapshot(**world)
        (host, *others) = plain.routes["80"].virtual_hosts
        (route,) = host.routes
        route = attrs.evolve(route, action=attrs.evolve(route.action, mirrors=mirrors or (Mirror("mirror", shadow_suffix=False),)))
        routes = attrs.evolve(plain.routes["80"], virtual_hosts=(attrs.evolve(host, routes=(route,)), *others))
        place = ClusterLoadAssignment("mirror", (LocalityEndpoints(endpoints=(Endpoint("10.3.0.1", 80),)),))
        return rigs(attrs.evolve(
            plain, routes={"80": routes}, clusters={**plain.clusters, "mirror": cluster}, endpoints={**plain.endpoints, "mirror": place},
        ))

    return build


def counts(rig):
    """Give what is under way in both clusters."""
    clusters = rig.resources.clusters.live.values()
    return [(cluster.requests, cluster.waiting, sum(host.active for host in cluster.hosts.values())) for cluster in clusters]


def test_answers_of_copies_are_dropped(make):
    """The client gets the original's, one line is logged, both connections are kept."""
    rig = make()
    for _ in range(2):
        rig.send(REQUEST)
        copy = rig.asked(1)
        rig.answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Odd\r\nContent-Length: 3\r\n\r\nbad", 1)
        rig.answer(ANSWER, 0)
        assert (True, True) == (b"x-forwarded-for: 127.0.0.1" in copy, rig.got().endswith(b"\r\n\r\nok"))
    assert ([200, 200], 2, [(0, 0, 0)] * 2) == ([line.status for line in rig.lines], len(rig.origins), counts(rig))


def test_a_copy_may_outlast_its_original(make):
    """And ends with its route's timeout, counted in, or after five minutes."""
    rig = make(timeout=1.0)
    rig.send(REQUEST)
    rig.answer(ANSWER, 0)
    under_way = counts(rig)
    rig.advance(1.1)
    assert ([(0, 0, 0), (1, 0, 1)], [(0, 0, 0)] * 2, "fin", 1) == (under_way, counts(rig), ending(rig.origins[1]), len(rig.lines))
    rig = make()
    rig.send(REQUEST)
    rig.answer(ANSWER, 0)
    rig.advance(LONGEST - 1)
    assert "open" == ending(rig.origins[1])
    rig.advance(2)
    assert "fin" == ending(rig.origins[1])


def test_bodies_are_copied_as_they_come(make):
    """Piece by piece, with trailers."""
    rig = make()
    rig.send(BEGIN)
    first = rig.asked(1)
    rig.send(b"world")
    assert (True, b"world") == (first.endswith(b"\r\n\r\nhello"), rig.asked(1))
    rig.answer(ANSWER, 0)
    rig.answer(ANSWER, 1)
    assert [(0, 0, 0)] * 2 == counts(rig)


def test_an_original_that_ends_early_ends_its_copy(make):
    """The client goes in the midst of its body, or the answer comes before its end."""
    rig = make()
    rig.send(BEGIN)
    rig.client.close()
    rig.pump()
    assert ("fin", [(0, 0, 0)] * 2) == (ending(rig.origins[1]), counts(rig))
    rig = make()
    rig.send(BEGIN)
    rig.answer(ANSWER, 0)
    assert ("fin", [(0, 0, 0)] * 2) == (ending(rig.origins[1]), counts(rig))


def test_a_mirror_that_cannot_be_reached(make):
    """Nobody notices, be the body there or not."""
    rig = make(retry=RetryPolicy(("5xx", "connect-failure"), attempts=3))
    for request in (REQUEST, BEGIN):
        rig.refusals = [0, errno.ECONNREFUSED] if request is REQUEST else [errno.ECONNREFUSED]
        rig.send(request)
        if request is BEGIN:
            rig.send(b"world")
        rig.answer(ANSWER, 0)
    assert ([(200, ""), (200, "")], [], [(0, 0, 0)] * 2) == ([(line.status, line.flags) for line in rig.lines], rig.refusals, counts(rig))


def test_a_mirror_that_is_unknown(make):
    """There is no copy."""
    rig = make(Mirror("other"))
    rig.send(REQUEST)
    rig.answer(ANSWER, 0)
    assert ([200], 1) == ([line.status for line in rig.lines], len(rig.origins))


def test_limits_of_the_mirrors_cluster(make):
    """A copy that has no place is dropped."""
    rig = make(cluster=attrs.evolve(MIRROR, thresholds=Thresholds(max_requests=0)))
    rig.send(REQUEST)
    rig.answer(ANSWER, 0)
    assert ([(200, "")], b"", [(0, 0, 0)] * 2) == ([(line.status, line.flags) for line in rig.lines], rig.asked(1), counts(rig))


@pytest.mark.parametrize("code", [0, IN_PROGRESS])
def test_a_mirror_that_does_not_read_is_given_up(make, code):
    """Or that is not even connected: the upload goes on at its own pace, what is held stays below the cluster's limit."""
    rig = make(cluster=attrs.evolve(MIRROR, buffer_limit=100_000))
    rig.refusals = [0, code]
    size = 2_000_000
    rig.client.setblocking(False)
    left = memoryview(b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    got, most = 0, 0
    for _ in range(3000):
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):] if left else left
        rig.pump(1)
        got += len(rig.asked(0))
        (copy,) = rig.server._exchange.copies
        if not copy.exchange.ended:
            most = max(most, copy.exchange.upstream.stream.queued if code == 0 else copy.exchange.kept_bytes)
        if got > size:
            break
    rig.answer(ANSWER, 0)
    assert ([(200, "", size)], True) == ([(line.status, line.flags, line.bytes_received) for line in rig.lines], 20_000 < most <= 100_000)
    assert [(0, 0, 0)] * 2 == counts(rig)
