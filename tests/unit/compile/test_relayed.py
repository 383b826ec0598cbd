"""TLS of the mesh that an edge proxy passes on by its server name alone."""

import pytest

from tests.helpers.edge import EDGE_NODE, gateway, server
from tests.helpers.small_worlds import answer_to, compiled, eps, host, istio, svc, tls

RULE = istio("DestinationRule", "db", "host: db, trafficPolicy: {tls: {mode: SIMPLE}}, subsets: [{name: v1, labels: {v: '1'}}]")
OUTSIDE = istio("ServiceEntry", "e", "hosts: [out.example.local], ports: [{number: 90, name: tcp, protocol: TCP}], resolution: STATIC")
WORLD = compiled(
    EDGE_NODE, svc("db", "{name: tcp, port: 90}"), eps("db", "{name: tcp, port: 9090}", "{addresses: [10.1.0.1]}"), RULE, OUTSIDE,
    gateway("edge", server(443, "TLS", "'*.local'", "tls: {mode: AUTO_PASSTHROUGH}")),
)
ALL, V1 = f"outbound_.90_._.{host('db')}", f"outbound_.90_.v1_.{host('db')}"


@pytest.mark.parametrize(("name", "alpn", "expected"), [
    (ALL, "istio", f"0.0.0.0_443 - {ALL} 10.1.0.1:9090"), (ALL, "istio-http/1.1", f"0.0.0.0_443 - {ALL} 10.1.0.1:9090"),
    (ALL, "h2", "0.0.0.0_443 - - closed NR"), ("other.local", "istio", "0.0.0.0_443 - - closed NR"),
    ("outbound_.90_._.out.example.local", "istio", "0.0.0.0_443 - - closed NR"),
])
def test_what_is_passed_on(name, alpn, expected):
    """What Istio's proxies say to each other, for services of the mesh."""
    assert expected == answer_to(WORLD, tls("10.0.0.9", 443, name, direction="gateway", alpn=[alpn]))


def test_the_clusters_for_it():
    """One for all endpoints and one a subset, which send what comes as it is; those for rules are there as well."""
    assert {ALL, V1, f"outbound|90||{host('db')}", f"outbound|90|v1|{host('db')}"} <= set(WORLD.snapshot.clusters)
    assert [None, None] == [WORLD.snapshot.clusters[name].tls for name in (ALL, V1)]
    assert WORLD.snapshot.clusters[f"outbound|90||{host('db')}"].tls is not None
    assert WORLD.snapshot.clusters[ALL].service_name in WORLD.snapshot.endpoints


def test_nobody_else_has_them():
    """Without such a server there are none."""
    plain = compiled(EDGE_NODE, svc("db", "{name: tcp, port: 90}"), gateway("edge", server(443, "TLS", "'*.local'", "tls: {mode: PASSTHROUGH}")))
    assert [] == [name for name in plain.snapshot.clusters if name.startswith("outbound_")]
