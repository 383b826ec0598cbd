"""Picking hosts by a hash, from end to end of a worker."""

import attrs
import pytest

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.route import HashPolicy, RetryPolicy
from meshd.worker.hashing import choose_by_source
from tests.helpers.http_rig import ANSWER
from tests.helpers.worker_rig import CLUSTER, downstream, snapshot
from tests.unit.worker.test_tcp_proxy import TcpRig

ENDPOINTS = tuple((f"10.2.0.{number}", 8080) for number in range(1, 9))
PER_USER = (HashPolicy("header", "x-user"),)


@pytest.fixture
def make(rigs):
    """Give a maker of rigs whose route hashes."""
    def build(policies=PER_USER, lb_policy="RING_HASH", **options):
        cluster = Cluster(CLUSTER, "EDS", lb_policy=lb_policy, service_name=CLUSTER, table_size=1009)
        world = snapshot(endpoints=ENDPOINTS, cluster=cluster, **options)
        host, *others = world.routes["80"].virtual_hosts
        route = attrs.evolve(host.routes[0], action=attrs.evolve(host.routes[0].action, hash_policies=policies))
        routes = attrs.evolve(world.routes["80"], virtual_hosts=(attrs.evolve(host, routes=(route,)), *others))
        return rigs(attrs.evolve(world, routes={"80": routes}))

    return build


def call(rig, extra=b""):
    """Send a request, answer it, and give the answer and the host that it came from."""
    rig.send(b"GET / HTTP/1.1\r\nhost: svc.test\r\n" + extra + b"\r\n")
    for origin in range(len(rig.origins)):
        if rig.asked(origin):
            rig.answer(ANSWER, origin)
    return rig.got(), rig.logged[-1][-1]


@pytest.mark.parametrize("lb_policy", ["RING_HASH", "MAGLEV"])
def test_a_user_keeps_a_host(make, lb_policy):
    """Others have others."""
    rig = make(lb_policy=lb_policy)
    users = [call(rig, b"x-user: %d\r\n" % (number % 12))[1] for number in range(24)]
    assert users[:12] == users[12:]
    assert len(set(users)) > 3


def test_a_session_has_a_cookie(make):
    """It is given where there is none, and leads to the same host."""
    rig = make((HashPolicy("cookie", "sid", cookie_ttl=60.0, cookie_path="/"),))
    answer, host = call(rig)
    line = next(line for line in answer.split(b"\r\n") if line.startswith(b"set-cookie: "))
    assert line.endswith(b"; Max-Age=60; Path=/; HttpOnly")
    answer, again = call(rig, b"cookie: " + line.partition(b": ")[2].partition(b";")[0] + b"\r\n")
    assert (host, False) == (again, b"set-cookie" in answer)


def test_a_cluster_that_does_not_hash_makes_no_cookie(make):
    """Its hosts are picked as ever."""
    rig = make((HashPolicy("cookie", "sid", cookie_ttl=60.0),), lb_policy="ROUND_ROBIN")
    answers = [call(rig) for _ in range(2)]
    assert (2, False) == (len({host for _answer, host in answers}), b"set-cookie" in answers[0][0])


@pytest.mark.parametrize(("previous_hosts", "hosts"), [(False, 1), (True, 2)])
def test_tries_keep_the_hash(make, previous_hosts, hosts):
    """The same host again, unless that is not wanted."""
    retry = RetryPolicy(("connect-failure",), attempts=1, previous_hosts=previous_hosts, host_selection_attempts=50)
    rig = make(retry=retry)
    opened = []
    connect = rig.resources.connect
    rig.resources.connect = lambda address, port, source: (opened.append(address), connect(address, port, source))[1]
    rig.refusals = [111]
    rig.send(b"GET / HTTP/1.1\r\nhost: svc.test\r\nx-user: 1\r\n\r\n")
    rig.advance(0.1)
    assert (2, hosts) == (len(opened), len(set(opened)))


@pytest.mark.parametrize(("hash_source_ip", "hosts"), [(True, 1), (False, 8)])
def test_connections_by_their_source(hash_source_ip, hosts):
    """All of one address go to one host where that is asked for, else by chance."""
    config = TcpProxy("tcp", CLUSTER, hash_source_ip=hash_source_ip)
    rig = TcpRig(config, endpoints=ENDPOINTS, cluster=Cluster(CLUSTER, "EDS", lb_policy="MAGLEV", service_name=CLUSTER, table_size=1009))
    rig.randoms = [number / 101 for number in range(101)]
    pairs = [rig.pair_up(config)[1] for _ in range(50)]
    for pair in pairs:
        pair.start(CLUSTER, b"")
    assert hosts == len({pair.upstream_host for pair in pairs})
    for pair in pairs:
        pair.break_off()
    rig.close()


def test_a_connection_without_an_address():
    """By chance."""
    rig = TcpRig(endpoints=ENDPOINTS, cluster=Cluster(CLUSTER, "EDS", lb_policy="RING_HASH", service_name=CLUSTER))
    rig.randoms, connection = [number / 53 for number in range(53)], downstream()
    connection.source_address = ""
    assert len({choose_by_source(connection, rig.resources.clusters.find(CLUSTER)) for _ in range(53)}) > 5
    rig.close()
