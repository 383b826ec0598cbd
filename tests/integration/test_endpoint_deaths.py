"""Endpoints that die, leave and fail under load: what clients get of it is no more than what had been sent to the endpoint already."""

import threading
import time
from collections import Counter

import attrs
import pytest

from meshd.snapshot.cluster import Cluster, OutlierDetection, Thresholds
from meshd.snapshot.route import RetryPolicy
from tests.helpers.origin import Origin
from tests.helpers.raw_client import RawClient
from tests.helpers.running_worker import RunningWorker
from tests.helpers.waiting import wait_for
from tests.helpers.worker_rig import CLUSTER, ISTIO_RETRIES, snapshot

CLIENTS = 6
ROUND_ROBIN = Cluster(CLUSTER, "EDS", lb_policy="ROUND_ROBIN", service_name=CLUSTER)
REQUEST = b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n"


def answering(status, pause=0.0):
    """Give a script that answers each request, a little later."""
    def script(one):
        while one.read():
            while b"\r\n\r\n" in one.received:
                one.received = one.received.partition(b"\r\n\r\n")[2]
                time.sleep(pause)
                one.send(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % status)

    return script


class Load:
    """Clients that ask one request after the other, each on a connection of its own."""

    def __init__(self, port):
        """Begin at once."""
        self.seen = Counter()
        self._stopping = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(port,), daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, port):
        client = RawClient(port)
        while not self._stopping:
            client.data = b""
            client.send(REQUEST)
            client.read_until(b"\r\n\r\nok")
            with self._lock:
                self.seen[client.data[9:12].decode()] += 1
        client.close()

    def some_more(self, count=150):
        """Wait for some more answers, and give how many there were of each status since the last time."""
        wait_for(lambda: sum(self.seen.values()) >= count, f"{count} answers")
        with self._lock:
            seen = dict(self.seen)
            self.seen.clear()
            return seen

    def stop(self):
        """Wait for the clients."""
        self._stopping = True
        for thread in self._threads:
            thread.join(5.0)


@pytest.fixture
def made():
    """Give a list of what is to be closed in the end."""
    things = []
    yield things
    for thing in things:
        thing.close()


TWO = (answering(200, 0.001), answering(200, 0.001))


def serve(made, tmp_path, cluster=ROUND_ROBIN, scripts=TWO, retry=ISTIO_RETRIES):
    """Give a worker, its origins, and what makes worlds with some of them as endpoints."""
    origins = [Origin(script) for script in scripts]

    def world(*chosen):
        return snapshot(endpoints=tuple(("127.0.0.1", origin.port) for origin in chosen), retry=retry, cluster=cluster, log=str(tmp_path / "log"))

    worker = RunningWorker(world(*origins), tmp_path / "log")
    made.extend([worker, *origins[1:]])
    return worker, origins, world


def kill(origin):
    """End an endpoint as the death of its process does."""
    origin.close()
    for connection in origin.connections:
        connection.close()


def failures(seen):
    """Count what is not 200."""
    return sum(count for status, count in seen.items() if status != "200")


def test_an_endpoint_is_killed(made, tmp_path):
    """Requests that it had are lost, as with Envoy (503 UC); every other one is answered, by its neighbour."""
    worker, (victim, _), _world = serve(made, tmp_path)
    load = Load(worker.ports["http"])
    before = load.some_more()
    kill(victim)
    during, after = load.some_more(), load.some_more()
    load.stop()
    log = tmp_path / "log"
    wait_for(lambda: log.read_text().count('" 200 ') >= sum(after.values()), "the log")
    lost = [line for line in log.read_text().splitlines() if '" 200 ' not in line]
    assert (0, 0) == (failures(before), failures(after))
    assert failures(during) <= CLIENTS and all('" 503 UC ' in line for line in lost), lost[:3]


def test_an_endpoint_leaves(made, tmp_path):
    """Nobody notices: its exchanges end, its connections are closed then."""
    worker, (leaving, staying), world = serve(made, tmp_path)
    load = Load(worker.ports["http"])
    before = load.some_more()
    worker.use(world(staying))
    after = load.some_more(), load.some_more()
    load.stop()
    assert [0, 0, 0] == [failures(seen) for seen in (before, *after)]
    wait_for(lambda: all(connection.socket.fileno() < 0 for connection in leaving.connections), "its connections are closed")
    leaving.close()


def test_a_failing_endpoint_is_ejected(made, tmp_path):
    """After its errors in a row clients get none any more."""
    detection = OutlierDetection(consecutive_5xx=5, max_ejection_percent=50)
    worker, (failing, _), _world = serve(
        made, tmp_path, attrs.evolve(ROUND_ROBIN, outlier_detection=detection), (answering(500), answering(200)), RetryPolicy(attempts=0),
    )
    load = Load(worker.ports["http"])
    first, then = load.some_more(), load.some_more()
    load.stop()
    assert 5 <= failures(first) <= 5 + CLIENTS and failures(then) == 0
    failing.close()


@pytest.mark.parametrize("limit", [1, 3])
def test_connections_are_never_more_than_allowed(made, tmp_path, limit):
    """Whatever comes; nobody is turned away, since the queue takes them."""
    cluster = attrs.evolve(ROUND_ROBIN, thresholds=Thresholds(max_connections=limit))
    worker, (origin,), _world = serve(made, tmp_path, cluster, (answering(200),))
    load = Load(worker.ports["http"])
    seen = load.some_more(300)
    load.stop()
    assert (0, limit) == (failures(seen), len(origin.connections))
    origin.close()
