"""
Small worlds of Kubernetes objects, each with calls and what becomes of them.

Expectations are those of Istio for the same objects: pilot/pkg/networking/core (listeners, routes, clusters), pilot/pkg/model (visibility, addresses)
and pkg/config/kube (protocols). How an answer is written stands in tests/helpers/small_worlds.py.
"""

import pytest

from meshd.compile.compiler import Compiled
from tests.helpers.small_worlds import NODE, alias, answer_to, compiled, eps, host, http, mesh, svc, tcp, tls

SIX = NODE.replace("10.0.0.9", '"fd00::9"')
BOTH = NODE.replace("10.0.0.9", '10.0.0.9, "fd00::9"')
IN = {"direction": "inbound"}
NAMED_POD = """{apiVersion: v1, kind: Pod, metadata: {name: self, namespace: default, labels: {app: self}}, status: {podIP: 10.0.0.9, phase: Running},
  spec: {containers: [{name: a, ports: [{name: web, containerPort: 53, protocol: UDP}, {name: web, containerPort: 8081}]}]}}"""
OLD, YOUNG = ", creationTimestamp: '2020-01-01T00:00:00Z'", ", creationTimestamp: '2021-01-01T00:00:00Z'"
WORLDS = {
    "dual stack": (
        (BOTH, svc("web", "{name: any, port: 80}", more=', clusterIPs: [10.9.0.1, "fd00:9::1"]'), svc("six", "{name: tcp, port: 90}", '"fd00:9::2"'),
         eps("web", "{name: any, port: 8080}", "{addresses: [10.1.0.1]}"),
         eps("web", "{name: any, port: 8080}", '{addresses: ["fd00:1::1"]}', "IPv6")),
        [
            (http("10.9.0.1", 80, "x"), f"10.9.0.1_80 {host('web')}:80 outbound|80||{host('web')} 10.1.0.1:8080,[fd00:1::1]:8080"),
            (http("fd00:9::1", 80, "x"), f"10.9.0.1_80 {host('web')}:80 outbound|80||{host('web')} 10.1.0.1:8080,[fd00:1::1]:8080"),
            (tcp("fd00:9::2", 90), f"fd00:9::2_90 - outbound|90||{host('six')} closed UH"),
            (tcp("10.9.0.2", 90), "virtualOutbound - PassthroughCluster 10.9.0.2:90"),
            (http("10.0.0.9", 7, "x", **IN), "virtualInbound InboundPassthroughClusterIpv4 InboundPassthroughClusterIpv4 10.0.0.9:7"),
            (http("fd00::9", 7, "x", **IN), "virtualInbound InboundPassthroughClusterIpv6 InboundPassthroughClusterIpv6 [fd00::9]:7"),
        ],
    ),
    "addresses of IPv6 only, services of IPv4 only": (
        (SIX, svc("db", "{name: tcp, port: 5432}"),
         svc("web", "{name: http, port: 80}", "10.9.0.2"),
         eps("web", "{name: http, port: 80}", "{addresses: [10.1.0.1]}")),
        [
            (tcp("fd00:5::5", 5432), "virtualOutbound - PassthroughCluster [fd00:5::5]:5432"),
            (http("fd00:5::5", 80, "web"), f"::_80 80 outbound|80||{host('web')} 503 UH"),
            (http("fd00:5::5", 80, "web.other"), "::_80 80 PassthroughCluster [fd00:5::5]:80"),
        ],
    ),
    "named target ports": (
        (NODE, NAMED_POD, svc("web", "{name: http, port: 80, targetPort: web}", more=", selector: {app: self}"),
         svc("lost", "{name: http, port: 81, targetPort: nothing}", "10.9.0.2", ", selector: {app: self}")),
        [
            (http("10.0.0.9", 8081, "x", **IN), "virtualInbound inbound|8081|| inbound|8081|| 10.0.0.9:8081"),
            (http("10.0.0.9", 53, "x", **IN), "virtualInbound InboundPassthroughClusterIpv4 InboundPassthroughClusterIpv4 10.0.0.9:53"),
            (tls("10.0.0.9", 8081, "x", **IN), "virtualInbound - - closed NR"),
        ],
    ),
    "several services lead to one port": (
        (NODE,
         svc("b-old", "{name: tcp, port: 90, targetPort: 8080}", meta=OLD),
         svc("a-young", "{name: http, port: 80, targetPort: 8080}", "10.9.0.2", meta=YOUNG),
         eps("b-old", "{name: tcp, port: 8080}", "{addresses: [10.0.0.9]}"), eps("a-young", "{name: http, port: 8080}", "{addresses: [10.0.0.9]}")),
        [
            (http("10.0.0.9", 8080, "x", **IN), "virtualInbound - inbound|8080|| 10.0.0.9:8080"),
            (tls("10.0.0.9", 8080, "x", **IN), "virtualInbound - inbound|8080|| 10.0.0.9:8080"),
        ],
    ),
    "several services with one address": (
        (NODE,
         svc("a", "{name: tcp, port: 90}, {name: any, port: 91}"),
         svc("b", "{name: tcp-2, port: 90}, {name: http, port: 91}, {name: mongo, port: 92}"),
         svc("c", "{name: any, port: 92}")),
        [
            (tcp("10.9.0.1", 90), f"10.9.0.1_90 - outbound|90||{host('a')} closed UH"),
            (http("10.9.0.1", 91, "b"), f"10.9.0.1_91 {host('a')}:91 outbound|91||{host('a')} 503 UH"),
            (http("10.9.0.7", 91, "b"), f"0.0.0.0_91 91 outbound|91||{host('b')} 503 UH"),
            (http("10.9.0.7", 91, "10.9.0.1"), f"0.0.0.0_91 91 outbound|91||{host('a')} 503 UH"),
            (http("10.9.0.1", 92, "c"), f"10.9.0.1_92 - outbound|92||{host('b')} closed UH"),
        ],
    ),
    "headless": (
        (NODE, svc("db", "{name: tcp, port: 5432}, {name: any, port: 7000}, {name: http, port: 80}, {name: tcp-late, port: 5433}", "None"),
         eps("db", "{name: tcp, port: 6432}, {name: any, port: 7000}, {name: http, port: 8080}",
             "{addresses: [10.1.0.1]}, {addresses: [10.1.0.2], conditions: {ready: false}}, {addresses: [10.0.0.9]}")),
        [
            (tcp("10.1.0.1", 5432), f"10.1.0.1_5432 - outbound|5432||{host('db')} 10.1.0.1:5432"),
            (http("10.1.0.2", 7000, "x"), f"10.1.0.2_7000 {host('db')}:7000 outbound|7000||{host('db')} 10.1.0.2:7000"),
            (tcp("10.0.0.9", 5432), "virtualOutbound - PassthroughCluster 10.0.0.9:5432"),
            (tcp("10.1.0.1", 5433), "virtualOutbound - PassthroughCluster 10.1.0.1:5433"),
            (http("10.1.0.3", 80, "pod-0.db.default.svc"), f"0.0.0.0_80 80 outbound|80||{host('db')} 10.1.0.3:80"),
            (http("10.1.0.3", 80, "db"), f"0.0.0.0_80 80 outbound|80||{host('db')} 10.1.0.3:80"),
            (tcp("10.1.0.3", 80), "0.0.0.0_80 - PassthroughCluster 10.1.0.3:80"),
            (tcp("10.0.0.9", 6432, **IN), "virtualInbound - inbound|6432|| 10.0.0.9:6432"),
        ],
    ),
    "chains of ExternalName": (
        (NODE,
         svc("web", "{name: http, port: 80}"),
         eps("web", "{name: http, port: 80}", "{addresses: [10.1.0.1]}"),
         alias("one", "two.default.svc.cluster.local"),
         alias("two", "web.default.svc.cluster.local."),
         alias("loop-a", host("loop-b")),
         alias("loop-b", host("loop-a")),
         alias("out", "example.com")),
        [
            (http("10.1.1.1", 80, "one"), f"0.0.0.0_80 80 outbound|80||{host('web')} 10.1.0.1:80"),
            (http("10.1.1.1", 80, "two.default.svc.cluster.local."), f"0.0.0.0_80 80 outbound|80||{host('web')} 10.1.0.1:80"),
            (http("10.1.1.1", 80, "loop-a"), "0.0.0.0_80 80 PassthroughCluster 10.1.1.1:80"),
            (http("10.1.1.1", 80, "out"), "0.0.0.0_80 80 PassthroughCluster 10.1.1.1:80"),
        ],
    ),
    "appProtocol": (
        (NODE,
         svc("odd", "{name: http-a, port: 1001, appProtocol: tcp}, {name: b, port: 1002, appProtocol: HTTP}, "
                    "{name: http-c, port: 1003, appProtocol: own.test/x}, "
                    "{name: tcp-d, port: 1004, appProtocol: kubernetes.io/ws}, {name: http-e, port: 3306, appProtocol: own.test/x}")),
        [
            (http("10.9.0.1", 1001, "x"), f"10.9.0.1_1001 - outbound|1001||{host('odd')} closed UH"),
            (http("10.9.0.1", 1002, "odd"), f"0.0.0.0_1002 1002 outbound|1002||{host('odd')} 503 UH"),
            (http("10.9.0.1", 1003, "x"), f"10.9.0.1_1003 {host('odd')}:1003 outbound|1003||{host('odd')} 503 UH"),
            (http("10.9.0.1", 1004, "odd"), f"0.0.0.0_1004 1004 outbound|1004||{host('odd')} 503 UH"),
            (http("10.9.0.1", 3306, "x"), f"10.9.0.1_3306 - outbound|3306||{host('odd')} closed UH"),
        ],
    ),
    "registry only": (
        (NODE, mesh("outboundTrafficPolicy: {mode: REGISTRY_ONLY}"), svc("web", "{name: http, port: 80}, {name: tcp, port: 90}")),
        [
            (http("10.1.1.1", 80, "example.com"), "0.0.0.0_80 80 - 502 -"),
            (tcp("10.1.1.1", 80), "0.0.0.0_80 - BlackHoleCluster closed UH"),
            (tcp("10.1.1.1", 90), "virtualOutbound - BlackHoleCluster closed UH"),
            (http("10.1.1.1", 8080, "web"), "virtualOutbound - BlackHoleCluster closed UH"),
            (http("10.0.0.9", 8080, "x", **IN), "virtualInbound InboundPassthroughClusterIpv4 InboundPassthroughClusterIpv4 10.0.0.9:8080"),
        ],
    ),
    "services of their namespace by default": (
        (NODE, mesh("defaultServiceExportTo: ['.', '*']"), svc("ours", "{name: tcp, port: 90}"),
         svc("theirs", "{name: tcp, port: 90}", "10.9.0.2").replace("namespace: default", "namespace: other"),
         svc("shown", "{name: tcp, port: 90}", "10.9.0.3", meta=", annotations: {networking.istio.io/exportTo: 'default, x'}").replace(
             "namespace: default", "namespace: other"),
         svc("hidden", "{name: tcp, port: 90}", "10.9.0.4", meta=", annotations: {networking.istio.io/exportTo: '~'}")),
        [
            (tcp("10.9.0.1", 90), f"10.9.0.1_90 - outbound|90||{host('ours')} closed UH"),
            (tcp("10.9.0.2", 90), "virtualOutbound - PassthroughCluster 10.9.0.2:90"),
            (tcp("10.9.0.3", 90), "10.9.0.3_90 - outbound|90||shown.other.svc.cluster.local closed UH"),
            (tcp("10.9.0.4", 90), "virtualOutbound - PassthroughCluster 10.9.0.4:90"),
        ],
    ),
    "inbound to localhost": (
        (BOTH, mesh("inboundTrafficPolicy: {mode: LOCALHOST}"), svc("web", "{name: any, port: 80, targetPort: 8080}"),
         eps("web", "{name: any, port: 8080}", "{addresses: [10.0.0.9], conditions: {ready: false}}")),
        [
            (http("10.0.0.9", 8080, "x", **IN), "virtualInbound inbound|8080|| inbound|8080|| 127.0.0.1:8080"),
            (tcp("fd00::9", 8080, **IN), "virtualInbound - inbound|8080|| 127.0.0.1:8080"),
            (http("10.0.0.9", 7, "x", **IN), "virtualInbound InboundPassthroughClusterIpv4 InboundPassthroughClusterIpv4 10.0.0.9:7"),
        ],
    ),
    "unready endpoints": (
        (NODE, svc("a", "{name: http, port: 80}"), svc("b", "{name: http, port: 81}", "10.9.0.2", ", publishNotReadyAddresses: true"),
         *(eps(name, "{name: http, port: 8080}", "{addresses: [10.1.0.1], conditions: {ready: false}}, {addresses: [10.1.0.2], conditions: "
               "{ready: false, serving: true, terminating: true}}, {addresses: [10.1.0.3], conditions: {ready: true, terminating: true}}, "
               "{addresses: [10.1.0.4]}") for name in ("a", "b"))),
        [
            (http("10.9.0.1", 80, "a"), f"0.0.0.0_80 80 outbound|80||{host('a')} 10.1.0.3:8080,10.1.0.4:8080"),
            (http("10.9.0.1", 81, "b"), f"0.0.0.0_81 81 outbound|81||{host('b')} 10.1.0.1:8080,10.1.0.3:8080,10.1.0.4:8080"),
        ],
    ),
    "UDP beside TCP, and no ports": (
        (NODE,
         svc("dns", "{name: dns-u, port: 53, protocol: UDP}, {name: http-t, port: 53}"),
         svc("quic", "{name: http, port: 443, protocol: UDP}", "10.9.0.2"),
         svc("none", "", "None"), eps("dns", "{name: dns-u, port: 5353, protocol: UDP}, {name: http-t, port: 5354}", "{addresses: [10.1.0.1]}")),
        [
            (http("10.9.0.1", 53, "dns"), f"0.0.0.0_53 53 outbound|53||{host('dns')} 10.1.0.1:5354"),
            (http("10.9.0.2", 443, "quic"), "virtualOutbound - PassthroughCluster 10.9.0.2:443"),
        ],
    ),
    "ports of meshd's own": (
        (NODE, svc("own", "{name: http, port: 15001}, {name: http-2, port: 15021}, {name: tcp, port: 15006}, {name: any, port: 15090}"),
         svc("wide", "{name: tcp, port: 15006}", ""),
         eps("own", "{name: http, port: 15006}, {name: tcp, port: 15090}", "{addresses: [10.0.0.9]}")),
        [
            (http("10.9.0.1", 15001, "own"), "virtualOutbound - BlackHoleCluster closed UH"),
            (http("10.9.0.1", 15021, "own"), "virtualOutbound - PassthroughCluster 10.9.0.1:15021"),
            (tcp("10.9.0.1", 15006), f"10.9.0.1_15006 - outbound|15006||{host('own')} 10.0.0.9:15090"),
            (http("10.9.0.1", 15090, "x"), f"10.9.0.1_15090 {host('own')}:15090 outbound|15090||{host('own')} 503 UH"),
            (tcp("10.9.0.2", 15006), "virtualInbound - BlackHoleCluster closed UH"),
            (tcp("10.0.0.9", 15006, **IN), "virtualInbound - BlackHoleCluster closed UH"),
        ],
    ),
    "TLS without an address of one's own": (
        (NODE,
         svc("a", "{name: https, port: 443}", ""),
         svc("b", "{name: tls, port: 443}", ""),
         svc("c", "{name: http, port: 443}", ""),
         alias("also-b", host("b"))),
        [
            (tls("10.1.1.1", 443, host("a")), f"0.0.0.0_443 - outbound|443||{host('a')} closed UH"),
            (tls("10.1.1.1", 443, host("b")), f"0.0.0.0_443 - outbound|443||{host('b')} closed UH"),
            (tls("10.1.1.1", 443, "also-b"), f"0.0.0.0_443 - outbound|443||{host('b')} closed UH"),
            (tls("10.1.1.1", 443, "b"), "0.0.0.0_443 - PassthroughCluster 10.1.1.1:443"),
            (tls("10.1.1.1", 443, "example.com"), "0.0.0.0_443 - PassthroughCluster 10.1.1.1:443"),
            (http("10.1.1.1", 443, "c"), f"0.0.0.0_443 443 outbound|443||{host('c')} 503 UH"),
            (tcp("10.1.1.1", 443), "0.0.0.0_443 - PassthroughCluster 10.1.1.1:443"),
        ],
    ),
    "names that hide each other": (
        (NODE,
         svc("web", "{name: http, port: 80}"),
         svc("web", "{name: http, port: 80}", "10.9.0.1").replace("namespace: default", "namespace: other")),
        [
            (http("10.1.1.1", 80, "web"), f"0.0.0.0_80 80 outbound|80||{host('web')} 503 UH"),
            (http("10.1.1.1", 80, "web.other:8080"), "0.0.0.0_80 80 outbound|80||web.other.svc.cluster.local 503 UH"),
            (http("10.1.1.1", 80, "WEB.DEFAULT"), f"0.0.0.0_80 80 outbound|80||{host('web')} 503 UH"),
            (http("10.1.1.1", 80, "pod-0.web"), "0.0.0.0_80 80 PassthroughCluster 10.1.1.1:80"),
            (http("10.1.1.1", 80, "10.9.0.1"), f"0.0.0.0_80 80 outbound|80||{host('web')} 503 UH"),
        ],
    ),
}
CALLS = [(name, call, expected) for name, (_documents, calls) in WORLDS.items() for call, expected in calls]


@pytest.fixture(scope="module")
def worlds() -> dict[str, Compiled]:
    """Give the worlds, compiled."""
    return {name: compiled(*documents) for name, (documents, _calls) in WORLDS.items()}


@pytest.mark.parametrize(("name", "call", "expected"), CALLS)
def test_what_becomes_of_a_call(name, call, expected, worlds):
    """As with Istio."""
    assert expected == answer_to(worlds[name], call)


@pytest.mark.parametrize("name", WORLDS)
def test_worlds_hold_together(name, worlds):
    """No reference leads nowhere."""
    assert [] == worlds[name].snapshot.inconsistencies()
