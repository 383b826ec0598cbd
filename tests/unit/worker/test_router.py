"""Tests of the router: failures, retries and timeouts, over socket pairs."""

import contextlib
import errno

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, Thresholds
from meshd.snapshot.route import RetryPolicy
from meshd.worker.router import reply_for
from meshd.worker.upstream.connect import IN_PROGRESS
from tests.helpers.http_rig import ANSWER, REQUEST
from tests.helpers.worker_rig import CLUSTER, ISTIO_RETRIES, ending, received, snapshot

HOST = "10.2.0.1:8080"
REFUSED = "delayed_connect_error:_Connection_refused"
REFUSED_DETAILS = "upstream_reset_before_response_started{remote_connection_failure|" + REFUSED + "}"
TIMEOUT_DETAILS = "upstream_reset_before_response_started{connection_timeout}"
CLOSED_DETAILS = "upstream_reset_before_response_started{connection_termination}"
PROTOCOL_DETAILS = "upstream_reset_before_response_started{protocol_error}"
POST = b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 5\r\n\r\nhello"
FIVE = RetryPolicy(("5xx",), attempts=2)
EDS = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)


@pytest.fixture
def make(rigs):
    """Give a maker of rigs."""
    def build(**world):
        return rigs(snapshot(**world))

    return build


def body(data):
    """Give the body of an answer."""
    return data.partition(b"\r\n\r\n")[2]


def test_a_refused_connect(make):
    """Without retries: UF, 98 bytes (A.connect-refused-noretry); the client's connection stays."""
    rig = make()
    rig.refusals = [errno.ECONNREFUSED]
    rig.send(REQUEST)
    got = rig.got()
    assert (b"upstream connect error or disconnect/reset before headers. reset reason: remote connection failure", b"503") == (body(got), got[9:12])
    assert ([(503, "UF", REFUSED_DETAILS, REFUSED, 0, 98, HOST)], "open") == (rig.logged, ending(rig.client))


def test_refused_connects_with_istios_retries(make):
    """Three tries, then URX,UF and 121 bytes (A.connect-refused)."""
    rig = make(retry=ISTIO_RETRIES)
    rig.refusals = [errno.ECONNREFUSED] * 3
    rig.send(REQUEST)
    for _ in range(3):
        rig.advance(0.3)
    assert ([(503, "URX,UF", REFUSED_DETAILS, REFUSED, 0, 121, HOST)], 3, []) == (rig.logged, rig.lines[0].attempts, rig.refusals)
    assert body(rig.got()).endswith(b"before headers. retried and the latest reset reason: remote connection failure")


def test_a_retry_takes_another_host(make):
    """One dead endpoint of two: the retry goes to the other, nothing of the failure is logged (A.connect-mixed)."""
    rig = make(retry=ISTIO_RETRIES, endpoints=(("10.2.0.1", 8080), ("10.2.0.2", 8080)))
    rig.refusals = [errno.ECONNREFUSED]
    rig.send(REQUEST)
    rig.advance(0.1)
    asked = rig.asked()
    rig.answer(ANSWER)
    assert (True, [(200, "", "via_upstream", "", 0, 2, "10.2.0.2:8080")]) == (b"x-envoy-attempt-count: 2\r\n" in asked, rig.logged)


def test_a_connect_that_times_out(make):
    """After the connect timeout: UF and 91 bytes, as the seed's step 7 has it."""
    rig = make(cluster=attrs.evolve(EDS, connect_timeout=10.0))
    rig.refusals = [IN_PROGRESS]
    rig.send(REQUEST)
    rig.advance(9.9)
    before = rig.got()
    rig.advance(0.2)
    assert (b"", b"upstream connect error or disconnect/reset before headers. reset reason: connection timeout") == (before, body(rig.got()))
    assert ([(503, "UF", TIMEOUT_DETAILS, "", 0, 91, HOST)], "") == (rig.logged, rig.lines[0].upstream_local)


def test_a_body_waits_for_the_connect(make):
    """Bytes that come while a connect hangs are kept, bounded, and sent with the next try."""
    rig = make(retry=ISTIO_RETRIES, cluster=attrs.evolve(EDS, connect_timeout=1.0))
    rig.refusals = [IN_PROGRESS]
    rig.send(POST)
    rig.advance(1.1)
    rig.advance(0.1)
    asked = rig.asked()
    rig.answer(ANSWER)
    assert (True, [(200, "", "via_upstream", "", 5, 2, HOST)]) == (asked.endswith(b"\r\n\r\nhello"), rig.logged)


def test_an_upload_before_the_connect_is_bounded(make):
    """The client is paused when a megabyte has been kept."""
    rig = make(cluster=attrs.evolve(EDS, connect_timeout=1.0))
    rig.refusals = [IN_PROGRESS]
    rig.client.setblocking(False)
    left = memoryview(b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000)
    for _ in range(400):
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):]
        rig.pump(1)
    assert (True, False) == (rig.server._exchange.kept_bytes < 1_300_000, rig.server._stream.reading)


def test_no_host(make):
    """UH, 19 bytes, no retry (A.no-endpoint)."""
    rig = make(endpoints=(), retry=ISTIO_RETRIES)
    rig.send(REQUEST)
    assert ([(503, "UH", "no_healthy_upstream", "", 0, 19, "")], b"no healthy upstream") == (rig.logged, body(rig.got()))


@pytest.mark.parametrize(("answered", "logged"), [
    (b"", (503, "UC", CLOSED_DETAILS, "", 0, 95, HOST)),
    (b"HTTP/1.1 20", (502, "UPE", PROTOCOL_DETAILS, "", 0, 87, HOST)),
    (b"garbage\r\n\r\n", (502, "UPE", PROTOCOL_DETAILS, "", 0, 87, HOST)),
    (b"\x16\x03\x01", (502, "UPE", PROTOCOL_DETAILS, "", 0, 87, HOST)),
])
@pytest.mark.parametrize("retry", [None, ISTIO_RETRIES])
def test_an_upstream_that_breaks_off_before_its_answer(make, answered, logged, retry):
    """A clean close is UC, half a head or garbage UPE; Istio's retries cover neither."""
    rig = make(retry=retry)
    rig.send(REQUEST)
    rig.asked()
    if answered:
        rig.answer(answered)
    rig.origins[0].close()
    rig.pump()
    assert ([logged], 1, "open") == (rig.logged, len(rig.origins), ending(rig.client))


@pytest.mark.parametrize("answered", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n",
])
def test_an_upstream_that_breaks_off_within_its_answer(make, answered):
    """What came reaches the client, then its connection ends: it sees that the answer is cut (A.close-mid-body)."""
    rig = make(retry=FIVE)
    rig.send(REQUEST)
    rig.answer(answered)
    rig.origins[0].close()
    rig.pump()
    details = "upstream_reset_after_response_started{protocol_error}"
    assert ([(200, "UPE", details, "", 0, 5, HOST)], True, "fin") == (rig.logged, b"12345" in rig.got(), ending(rig.client))


def test_a_body_until_close_ends_well(make):
    """Without framing the close is the end; the client gets chunks."""
    rig = make()
    rig.send(REQUEST)
    rig.asked()
    rig.answer(b"HTTP/1.1 200 OK\r\n\r\nabc")
    rig.origins[0].close()
    rig.pump()
    assert ([(200, "", "via_upstream", "", 0, 3, HOST)], True) == (rig.logged, rig.got().endswith(b"3\r\nabc\r\n0\r\n\r\n"))
    assert "open" == ending(rig.client)


def test_answers_are_retried_where_the_policy_says_so(make):
    """`5xx`: three tries, the last answer passes with URX (A.retry-5xx-exhausted); the body is sent each time."""
    rig = make(retry=FIVE)
    rig.send(POST)
    seen = []
    for _ in range(3):
        seen.append(body(rig.asked()))
        rig.answer(b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad")
        rig.advance(0.3)
    assert ([b"hello"] * 3, [(500, "URX", "via_upstream", "", 5, 3, HOST)], True) == (seen, rig.logged, rig.got().endswith(b"\r\n\r\nbad"))
    assert (0, 0) == (rig.resources.clusters.requests, rig.resources.clusters.live[CLUSTER].retries)


def test_a_large_body_is_not_sent_twice(make):
    """More than a megabyte is not kept: the answer passes with no flag (A.retry-large-body)."""
    rig = make(retry=FIVE)
    size = 1_500_000
    rig.client.setblocking(False)
    left = memoryview(b"POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    got = 0
    for _ in range(3000):
        with contextlib.suppress(BlockingIOError):
            left = left[rig.client.send(left):] if left else left
        rig.pump(1)
        got += len(rig.asked())
        if got >= size + 100:
            break
    rig.pump()
    got += len(rig.asked())
    rig.answer(b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad")
    assert ([(500, "", "via_upstream", "", size, 3, HOST)], 1) == (rig.logged, len(rig.origins))


def test_the_retry_limit_of_the_cluster(make):
    """No retry beyond `max_retries`: the answer passes with UO (A.retry-budget-none)."""
    rig = make(retry=FIVE, cluster=attrs.evolve(EDS, thresholds=Thresholds(max_retries=0)))
    rig.send(REQUEST)
    rig.answer(b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad")
    assert [(500, "UO", "via_upstream", "", 0, 3, HOST)] == rig.logged


def test_the_request_limit_of_the_cluster(make):
    """One more than `max_requests` is answered UO, and says that it is overload (A.overflow-requests)."""
    rig = make(cluster=attrs.evolve(EDS, thresholds=Thresholds(max_requests=1)))
    rig.send(REQUEST)
    other, _ = rig.connect()
    other.send(REQUEST)
    rig.pump()
    got = received(other)
    rig.answer(ANSWER)
    assert (503, "UO", "upstream_reset_before_response_started{overflow}", "", 0, 81, HOST) == rig.logged[0]
    assert b"x-envoy-overloaded: true" in got


def test_a_client_that_goes_away_between_tries(make):
    """Nothing is tried any more, and no count is left."""
    rig = make(retry=FIVE)
    rig.randoms = [1.0] * 9
    rig.send(REQUEST)
    rig.answer(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
    rig.client.close()
    rig.pump()
    rig.advance(1.0)
    cluster = rig.resources.clusters.live[CLUSTER]
    assert ([0], 1, (0, 0), [0]) == (
        [line[0] for line in rig.logged], len(rig.origins), (cluster.requests, cluster.retries), [host.active for host in cluster.hosts.values()],
    )


def test_the_routes_timeout(make):
    """504 UT from the end of the request on, the upstream connection is closed (A.timeout)."""
    rig = make(timeout=1.0)
    rig.send(POST[:-2])
    rig.advance(5.0)
    before = rig.logged
    rig.send(b"lo")
    rig.advance(1.1)
    assert ([], [(504, "UT", "response_timeout", "", 5, 24, HOST)], "fin", b"upstream request timeout") == (
        before, rig.logged, ending(rig.origins[0]), body(rig.got()),
    )


def test_the_routes_timeout_within_an_answer(make):
    """What came is delivered, then the connection ends (A.timeout-mid-body)."""
    rig = make(timeout=1.0)
    rig.send(REQUEST)
    rig.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
    rig.advance(1.1)
    assert ([(200, "UT", "response_timeout", "", 0, 5, HOST)], True, "fin") == (rig.logged, rig.got().endswith(b"12345"), ending(rig.client))


def test_the_timeout_of_each_try(make):
    """Each try is given up after its time; the last one is URX,UT (A.per-try-timeout)."""
    rig = make(retry=RetryPolicy(("5xx",), attempts=2, per_try_timeout=0.5))
    rig.send(REQUEST)
    for _ in range(40):
        rig.advance(0.1)
    assert [(504, "URX,UT", "upstream_per_try_timeout", "", 0, 24, HOST)] == rig.logged


def test_a_connection_that_closed_while_idle_is_replaced_silently(make):
    """The FIN is seen before the next request: a new connection carries it (A.idle-close-then-request)."""
    rig = make()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.origins[0].close()
    rig.pump()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    assert (2, [200, 200]) == (len(rig.origins), [line[0] for line in rig.logged])


def test_a_connection_that_closed_in_the_same_moment_is_replaced_silently(make):
    """A FIN that had come when the request was written, but was not worked off yet, costs the client nothing."""
    rig = make()
    rig.clock.advance(1.0)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.got()
    rig.client.send(REQUEST)
    rig.origins[0].close()
    rig.pump()
    rig.answer(ANSWER)
    assert (2, [200, 200]) == (len(rig.origins), [line[0] for line in rig.logged])


def test_a_reused_connection_that_breaks_off_is_not_retried(make):
    """Once the upstream may have read the request, its close is the client's 503 UC (A.reused-close)."""
    rig = make(retry=ISTIO_RETRIES)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.send(REQUEST)
    rig.asked()
    rig.origins[0].close()
    rig.pump()
    assert [(200, "UC")[::-1], ("UC", 503)] == [("UC", 200), (rig.logged[1][1], rig.logged[1][0])]


@pytest.mark.parametrize("surplus", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"])
def test_surplus_bytes_reach_no_client(make, surplus):
    """What nobody asked for is dropped with the connection (A.two-answers, A.length-too-many-bytes)."""
    rig = make()
    rig.send(REQUEST)
    rig.answer(ANSWER + (surplus or b"XX"))
    rig.send(REQUEST)
    rig.answer(ANSWER)
    assert (2, 2, False) == (len(rig.origins), rig.got().count(b"\r\n\r\nok"), b"second" in rig.got())


def test_an_answer_nobody_asked_for(make):
    """Bytes on a free connection drop it (A.unasked-answer)."""
    rig = make()
    rig.send(REQUEST)
    rig.answer(ANSWER)
    rig.answer(ANSWER)
    rig.send(REQUEST)
    rig.answer(ANSWER)
    assert (2, "fin") == (len(rig.origins), ending(rig.origins[0]))


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
])
def test_an_upstream_that_does_not_keep_the_connection(make, answer):
    """The connection is not used again, and the client's is kept."""
    rig = make()
    rig.send(REQUEST)
    rig.answer(answer)
    state = ending(rig.origins[0])
    rig.send(REQUEST)
    assert ("fin", 2, "open") == (state, len(rig.origins), ending(rig.client))


def test_requests_per_connection(make):
    """After `max_requests_per_connection` another connection is made."""
    rig = make(cluster=attrs.evolve(EDS, max_requests_per_connection=2))
    for _ in range(3):
        rig.send(REQUEST)
        rig.answer(ANSWER)
    assert 2 == len(rig.origins)


def test_an_endpoint_removed_while_it_answers(make):
    """The answer is delivered; the connection is not kept."""
    rig = make()
    rig.send(REQUEST)
    rig.use(snapshot(endpoints=(("10.2.0.2", 8080),)))
    rig.answer(ANSWER)
    assert ([(200, "", "via_upstream", "", 0, 2, HOST)], "fin") == (rig.logged, ending(rig.origins[0]))


def test_upgrades_that_are_not_allowed(make):
    """403, after the route has been found (B.upgrade-other)."""
    rig = make()
    rig.send(b"GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n")
    line = rig.lines[0]
    assert ([(403, "", "upgrade_failed", "", 0, 0, "")], CLUSTER) == (rig.logged, line.cluster.name)


@pytest.mark.parametrize(("code", "expected"), [
    (errno.ECONNREFUSED, REFUSED_DETAILS),
    (errno.EHOSTUNREACH, "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_No_route_to_host}"),
])
def test_other_connect_errors_are_named(code, expected):
    """The details say why the connect failed."""
    assert expected == reply_for("connection_failure", code).details
