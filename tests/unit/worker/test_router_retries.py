"""Tests of what clients, upstreams and the log see of retries, over socket pairs."""

import errno

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, RetryBudget, Thresholds
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.match import HeaderMatch
from meshd.snapshot.route import RetryPolicy
from meshd.worker.upstream.connect import IN_PROGRESS
from tests.helpers.http_rig import ANSWER, REQUEST, HttpRig
from tests.helpers.worker_rig import CLUSTER, ISTIO_RETRIES, ending, received, snapshot

EDS = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)
HOST = "10.2.0.1:8080"
FIVE = RetryPolicy(("5xx",), attempts=2)
EMPTY = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad"
HANGS = (IN_PROGRESS,)
UPLOAD = b"POST /a HTTP/1.1\r\nHost: svc.test\r\nx-a: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


@pytest.fixture
def make():
    """Give a maker of rigs, whose counts are all back where they were in the end."""
    made = []

    def build(**world):
        made.append(HttpRig(snapshot(**world)))
        return made[-1]

    yield build
    for rig in made:
        rig.client.close()
        rig.pump()
        for cluster in rig.resources.clusters.live.values():
            assert (0, 0, 0, 0) == (cluster.requests, cluster.waiting, cluster.pending, cluster.retries)
            assert not any(host.active for host in cluster.hosts.values())
        rig.close()


def flags(rig):
    """Give what was logged last: status, flags, attempts, host."""
    line = rig.lines[-1]
    return line.status, line.flags, line.attempts, line.upstream_host.text if line.upstream_host else ""


@pytest.mark.parametrize(("policy", "answer"), [
    (FIVE, EMPTY), (ISTIO_RETRIES, b"HTTP/1.1 200 OK\r\ngrpc-status: 14\r\nContent-Length: 0\r\n\r\n"),
])
def test_an_empty_answer_leaves_its_connection(make, policy, answer):
    """It is used again for the next try (A.retry-5xx-empty, A.retry-grpc)."""
    rig = make(retry=policy)
    rig.send(REQUEST)
    rig.answer(answer)
    rig.advance(0.1)
    rig.answer(ANSWER)
    assert ((200, "", 2, HOST), 1, "open", True) == (flags(rig), len(rig.origins), ending(rig.origins[0]), rig.got().endswith(b"ok"))


def test_an_answer_with_a_body_costs_its_connection(make):
    """Nobody waits for a body that is thrown away (A.retry-5xx)."""
    rig = make(retry=FIVE)
    rig.send(REQUEST)
    rig.answer(BAD)
    rig.advance(0.1)
    rig.answer(ANSWER)
    assert ((200, "", 2, HOST), ["fin", "open"]) == (flags(rig), [ending(origin) for origin in rig.origins])


def test_an_answer_before_the_request_s_end_costs_its_connection(make):
    """The rest of the request would belong to nobody; the next try has it."""
    rig = make(retry=FIVE)
    rig.send(UPLOAD[:-12])
    rig.answer(EMPTY)
    rig.advance(0.1)
    rig.send(UPLOAD[-12:])
    asked = rig.asked(1)
    rig.answer(ANSWER)
    assert ((200, "", 2, HOST), "fin", True) == (flags(rig), ending(rig.origins[0]), asked.endswith(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))


def test_each_try_is_the_same(make):
    """Byte for byte, but for its number."""
    rig = make(retry=RetryPolicy(("5xx",), attempts=4))
    for byte in range(len(UPLOAD)):
        rig.send(UPLOAD[byte:byte + 1])
    seen = []
    for number in range(1, 5):
        seen.append(rig.asked().replace(b"x-envoy-attempt-count: %d\r\n" % number, b""))
        rig.answer(BAD)
        rig.advance(0.3)
    first = seen[0].replace(b"\r\n1\r\n", b"\r\n")
    body = b"".join(line for line in first.split(b"\r\n\r\n", 1)[1].split(b"\r\n") if line.isalpha())
    rest = {asked.split(b"\r\n\r\n")[0] for asked in seen}
    assert (1, b"abcde") == (len(rest), body)
    assert [True] * 3 == [asked.endswith(b"0\r\n\r\n") and b"".join(line for line in asked.split(b"\r\n\r\n", 1)[1].split(b"\r\n") if line.isalpha())
                          == b"abcde" for asked in seen[1:]]


def test_no_host_after_a_failed_try(make):
    """UH counts as a try; the log still names the host of the one before."""
    rig = make(retry=ISTIO_RETRIES)
    rig.refusals = [errno.ECONNREFUSED]
    rig.send(REQUEST)
    rig.use(snapshot(endpoints=()))
    rig.advance(0.1)
    assert ((503, "UH", 2, HOST), b"no healthy upstream") == (flags(rig), rig.got()[-19:])


def test_a_failure_that_is_not_retried_after_one_that_was(make):
    """The text says that it was tried before, the flags do not say that a limit was reached."""
    rig = make(retry=ISTIO_RETRIES)
    rig.refusals = [errno.ECONNREFUSED]
    rig.send(REQUEST)
    rig.advance(0.1)
    rig.origins[0].close()
    rig.pump()
    got = rig.got()
    assert ((503, "UC", 2, HOST), True) == (flags(rig), got.endswith(b". retried and the latest reset reason: connection termination"))


@pytest.mark.parametrize(("limits", "allowed"), [
    (Thresholds(max_retries=1), 1), (Thresholds(max_retries=9, retry_budget=RetryBudget(20.0, 2)), 2),
    (Thresholds(max_retries=0, retry_budget=RetryBudget(100.0, 0)), 2),
])
def test_retries_have_a_limit(make, limits, allowed):
    """Further failures pass with UO; a budget counts requests that are under way, not those that pause."""
    rig = make(retry=attrs.evolve(FIVE, attempts=1), cluster=attrs.evolve(EDS, thresholds=limits))
    clients = [rig.connect()[0] for _ in range(3)]
    for client in clients:
        client.sendall(REQUEST)
        rig.pump()
    for origin in range(3):
        rig.asked(origin)
        rig.answer(BAD, origin)
    passed = [line.flags for line in rig.lines]
    assert ["UO"] * (3 - allowed) == passed
    rig.advance(0.1)
    assert allowed == rig.resources.clusters.live[CLUSTER].retries
    again = [origin for origin in range(len(rig.origins)) if b"x-envoy-attempt-count: 2\r\n" in rig.asked(origin)]
    for origin in again:
        rig.answer(ANSWER, origin)
    assert ["UO"] * (3 - allowed) + [""] * allowed == [line.flags for line in rig.lines]
    for client in clients:
        client.close()


def test_a_retry_counts_until_its_answer_begins(make):
    """A long answer is no retry any more."""
    rig = make(retry=FIVE)
    rig.send(REQUEST)
    rig.answer(BAD)
    rig.advance(0.1)
    cluster = rig.resources.clusters.live[CLUSTER]
    before = cluster.retries
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\no")
    assert (1, 0) == (before, cluster.retries)


def test_an_overflow_is_not_tried_again(make):
    """Whatever the policy (A.overflow-retry)."""
    rig = make(retry=FIVE, cluster=attrs.evolve(EDS, thresholds=Thresholds(max_pending_requests=0)))
    rig.send(REQUEST)
    assert (503, "UO", 1, "") == flags(rig)


def test_the_time_of_a_try_begins_with_its_connection(make):
    """Connecting has a timeout of its own."""
    rig = make(retry=RetryPolicy((), per_try_timeout=0.5), cluster=attrs.evolve(EDS, connect_timeout=5.0))
    rig.refusals = [*HANGS]
    rig.send(REQUEST)
    rig.advance(2.0)
    received(rig.origins[0])
    rig.pump()
    rig.advance(0.4)
    before = len(rig.lines)
    rig.advance(0.2)
    assert (0, (504, "UT", 1, HOST)) == (before, flags(rig))


def test_the_time_of_a_try_begins_with_the_request_s_end(make):
    """A slow upload is no slow answer."""
    rig = make(retry=RetryPolicy((), per_try_timeout=0.5))
    rig.send(UPLOAD[:-5])
    rig.advance(2.0)
    before = len(rig.lines)
    rig.send(UPLOAD[-5:])
    rig.advance(0.6)
    assert (0, (504, "UT", 1, HOST)) == (before, flags(rig))


def test_the_time_of_a_try_ends_with_its_head(make):
    """The route's own timeout is what counts then."""
    rig = make(retry=RetryPolicy((), per_try_timeout=0.5))
    rig.send(REQUEST)
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    rig.advance(1.0)
    rig.answer(b"k")
    assert (200, "", 1, HOST) == flags(rig)


def test_a_try_without_progress_is_tried_again(make):
    """As one that takes too long."""
    rig = make(retry=RetryPolicy(("5xx",), attempts=1, per_try_idle_timeout=0.4))
    rig.send(REQUEST)
    for _ in range(20):
        rig.advance(0.1)
    assert ((504, "URX,UT", 2, HOST), "upstream_per_try_idle_timeout") == (flags(rig), rig.lines[0].details)


def test_an_answer_without_progress_is_cut(make):
    """What has come is delivered; UT, not UPE."""
    rig = make(retry=RetryPolicy(("5xx",), attempts=1, per_try_idle_timeout=0.4))
    rig.send(REQUEST)
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no")
    for _ in range(20):
        rig.advance(0.1)
    assert ((200, "UT", 1, HOST), "upstream_per_try_idle_timeout", "fin") == (flags(rig), rig.lines[0].details, ending(rig.client))


@pytest.mark.parametrize(("header", "attempts"), [(b"x-again: 1\r\n", 3), (b"", 1)])
def test_only_requests_that_may_be_are_tried_again(make, header, attempts):
    """Of others the answer passes without a flag, since nothing was exhausted."""
    rig = make(retry=attrs.evolve(FIVE, retriable_request_headers=(HeaderMatch("x-again"),)))
    rig.send(REQUEST.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n"))
    for _ in range(attempts):
        rig.answer(BAD)
        rig.advance(0.3)
    assert (500, "URX" if attempts > 1 else "", attempts, HOST) == flags(rig)


def test_the_route_s_timeout_ends_a_pause(make):
    """No host is blamed for it, and nothing is tried any more."""
    rig = make(retry=attrs.evolve(FIVE, base_interval=10.0, max_interval=10.0), timeout=0.5)
    rig.send(REQUEST)
    rig.randoms = [0.9]
    rig.answer(BAD)
    rig.advance(0.6)
    rig.advance(20.0)
    assert ((504, "UT", 1, HOST), 1) == (flags(rig), len(rig.origins))


def test_all_hosts_tried(make):
    """The least untried one is taken again."""
    rig = make(retry=ISTIO_RETRIES, endpoints=(("10.2.0.1", 8080), ("10.2.0.2", 8080)))
    rig.refusals = [errno.ECONNREFUSED] * 3
    rig.send(REQUEST)
    for _ in range(3):
        rig.advance(0.3)
    assert (503, "URX,UF", 3) == flags(rig)[:3]


def test_retries_may_leave_a_priority(rigs):
    """The third try goes to the next one; other requests begin with the first."""
    world = snapshot(retry=attrs.evolve(FIVE, leaves_priorities=2))
    places = tuple(LocalityEndpoints(endpoints=(Endpoint(f"10.2.0.{level}", 8080),), priority=level) for level in (0, 1))
    rig = rigs(attrs.evolve(world, endpoints={CLUSTER: ClusterLoadAssignment(CLUSTER, places)}))
    rig.send(REQUEST)
    for origin in (0, 0, 1):
        rig.answer(EMPTY, origin)
        rig.advance(0.3)
    rig.send(REQUEST)
    rig.answer(ANSWER, 0)
    assert [(500, "10.2.0.1:8080"), (200, "10.2.0.0:8080")] == [(line.status, line.upstream_host.text) for line in rig.lines]
