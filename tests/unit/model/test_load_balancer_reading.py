"""Reading load balancer settings as Istio validates them."""

import pytest

from meshd.model.destination_rule import DestinationRule
from meshd.model.traffic_policy import ConsistentHash, HashCookie, LoadBalancer, LocalityLb, Warmup
from tests.helpers.networking import read, wrong


def balancer(text: str) -> LoadBalancer | None:
    """Return the load balancer that a text says."""
    found = read(DestinationRule, f"{{host: web, trafficPolicy: {{loadBalancer: {text}}}}}").policy
    assert found is not None
    return found.load_balancer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", LoadBalancer()),
        ("{simple: UNSPECIFIED}", LoadBalancer()),
        ("{simple: LEAST_CONN}", LoadBalancer("LEAST_REQUEST")),
        ("{simple: PASSTHROUGH}", LoadBalancer("PASSTHROUGH")),
        ("{consistentHash: {httpHeaderName: x-user}}", LoadBalancer(consistent_hash=ConsistentHash("x-user"))),
        ("{consistentHash: {httpQueryParameterName: user}}", LoadBalancer(consistent_hash=ConsistentHash(query_parameter="user"))),
        ("{consistentHash: {useSourceIp: true, minimumRingSize: 5}}",
         LoadBalancer(consistent_hash=ConsistentHash(source_ip=True, minimum_ring_size=5))),
        ("{consistentHash: {httpCookie: {name: user}, maglev: {}}}",
         LoadBalancer(consistent_hash=ConsistentHash(cookie=HashCookie("user"), maglev=True))),
        ("{warmupDurationSecs: 10s}", LoadBalancer(warmup=Warmup(10.0))),
        ("{warmup: {duration: 10s}}", LoadBalancer(warmup=Warmup(10.0, 10.0, 1.0))),
        ("{localityLbSetting: {failover: [{from: eu, to: us}], enabled: false}}", LoadBalancer(locality=LocalityLb(False, (), (("eu", "us"),)))),
        ("{localityLbSetting: {distribute: [{from: '*', to: {eu/a: 60, eu/b: 40}}]}}",
         LoadBalancer(locality=LocalityLb(distribute=(("*", (("eu/a", 60), ("eu/b", 40))),)))),
    ],
)  # fmt: skip
def test_reads_load_balancers(text, expected):
    """Each way of picking an endpoint, and the old spellings."""
    assert expected == balancer(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", ["error spec.trafficPolicy.loadBalancer: expected a mapping, got the number 5"]),
        ("{simple: FASTEST}", [
            "error spec.trafficPolicy.loadBalancer.simple: expected UNSPECIFIED or LEAST_CONN or LEAST_REQUEST or ROUND_ROBIN or RANDOM or "
            "PASSTHROUGH, got 'FASTEST'",
        ]),
        ("{simple: RANDOM, consistentHash: {useSourceIp: true}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash: expected simple or consistentHash, got both",
        ]),
        ("{consistentHash: {}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash: expected one of httpHeaderName, httpCookie, useSourceIp and "
            "httpQueryParameterName, got none of them",
        ]),
        ("{consistentHash: {useSourceIp: true, httpHeaderName: a}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash: expected one of httpHeaderName, httpCookie, useSourceIp and "
            "httpQueryParameterName, got httpHeaderName and useSourceIp",
        ]),
        ("{consistentHash: {useSourceIp: false}}", [
            "warning spec.trafficPolicy.loadBalancer.consistentHash.useSourceIp: expected true, got the boolean false, so that endpoints are "
            "picked by nothing",
        ]),
        ("{consistentHash: {useSourceIp: 'true'}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.useSourceIp: expected true or false, got 'true'; remove the quotes",
        ]),
        ("{consistentHash: {httpHeaderName: a b}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.httpHeaderName: expected a header's name, got 'a b'",
        ]),
        ("{consistentHash: {httpCookie: {}}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.httpCookie.name: expected a cookie's name, got nothing",
        ]),
        ("{consistentHash: {httpCookie: {name: a, ttl: 5}}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.httpCookie.ttl: expected a duration such as 10s or 250ms, got the number 5",
        ]),
        ("{consistentHash: {httpCookie: {name: a, attributes: [{name: x}, {name: X}]}}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.httpCookie.attributes[1].name: expected each attribute once, got X twice",
        ]),
        ("{consistentHash: {httpQueryParameterName: a, ringHash: {}, maglev: {}}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.maglev: expected ringHash or maglev, got both",
        ]),
        ("{consistentHash: {useSourceIp: true, maglev: {tableSize: 10}}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: expected a prime number, got the number 10",
        ]),
        ("{consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: -1}}}", [
            "error spec.trafficPolicy.loadBalancer.consistentHash.ringHash.minimumRingSize: expected a number from 0 to 9223372036854775807, "
            "got the number -1",
        ]),
        ("{warmup: {}}", [
            "error spec.trafficPolicy.loadBalancer.warmup.duration: expected a duration, got nothing",
        ]),
        ("{warmup: {duration: 1s}, warmupDurationSecs: 1s}", [
            "error spec.trafficPolicy.loadBalancer.warmupDurationSecs: expected warmup or the old warmupDurationSecs, got both",
        ]),
        ("{simple: RANDOM, warmup: {duration: 1s}}", [
            "error spec.trafficPolicy.loadBalancer.warmup: expected LEAST_REQUEST or ROUND_ROBIN with a warm-up, got another load balancer",
        ]),
        ("{warmup: {duration: 1s, aggression: 0}}", [
            "error spec.trafficPolicy.loadBalancer.warmup.aggression: expected a number from 1 to 1e+09, got the number 0",
        ]),
        ("{zoneAwareLbSetting: {}}", [
            "warning spec.trafficPolicy.loadBalancer.zoneAwareLbSetting: zoneAwareLbSetting is not served yet and has no effect",
        ]),
        ("{zoneAwareLbSetting: {}, localityLbSetting: {}}", [
            "error spec.trafficPolicy.loadBalancer.zoneAwareLbSetting: expected localityLbSetting or zoneAwareLbSetting, got both",
            "warning spec.trafficPolicy.loadBalancer.zoneAwareLbSetting: zoneAwareLbSetting is not served yet and has no effect",
        ]),
        ("{localityLbSetting: {failover: [{from: a, to: a}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0].to: expected another region than a, got the same",
        ]),
        ("{localityLbSetting: {failover: [{from: a/b, to: c}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0].from: expected a region without zone, got 'a/b'",
        ]),
        ("{localityLbSetting: {failover: [{from: a}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0].to: expected a region without zone, got nothing",
        ]),
        ("{localityLbSetting: {distribute: [{from: a, to: {b: 100}}], failover: [{from: a, to: b}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.failover: expected distribute or failover, got both",
        ]),
        ("{localityLbSetting: {distribute: [{from: a, to: {b: 60, c: 50}}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to: expected percentages that add up to 100, got 110",
        ]),
        ("{localityLbSetting: {distribute: [{from: a, to: {b: 100}}, {from: a/*, to: {b: 100}}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting: expected localities that do not cover each other, got a and a/*",
        ]),
        ("{localityLbSetting: {distribute: [{from: a/*/b, to: {b: 100}}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].from: expected a locality such as region/zone/* or *, got "
            "'a/*/b'",
        ]),
        ("{localityLbSetting: {distribute: [{from: a, to: {b: 50, b/c: 50}}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to: expected localities that do not cover each other, got b "
            "and b/c",
        ]),
        ("{localityLbSetting: {distribute: [{from: a, to: {a//b: 100}}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to[a//b]: expected a locality such as region/zone/* or * as "
            "key",
        ]),
        ("{localityLbSetting: {distribute: [{from: a}]}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to: expected percentages that add up to 100, got 0",
        ]),
        ("{localityLbSetting: {failoverPriority: ['a b']}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.failoverPriority[0]: expected a key such as app or example.com/app, got "
            "'a b'",
        ]),
        ("{localityLbSetting: {enabled: 1}}", [
            "error spec.trafficPolicy.loadBalancer.localityLbSetting.enabled: expected true or false, got the number 1",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(text, expected):
    """Each with its field."""
    assert expected == wrong(DestinationRule, f"{{host: web, trafficPolicy: {{loadBalancer: {text}}}}}")


def test_thousands_of_localities_take_no_time():
    """Localities that cover each other are found without comparing all with all."""
    shares = ", ".join(f"{{from: r{number}/*, to: {{a: 100}}}}" for number in range(5000))
    text = f"{{localityLbSetting: {{distribute: [{shares}, {{from: r7/b, to: {{a: 100}}}}]}}}}"
    place = "spec.trafficPolicy.loadBalancer.localityLbSetting"
    expected = f"error {place}: expected localities that do not cover each other, got r7/* and r7/b"
    assert [expected] == wrong(DestinationRule, f"{{host: web, trafficPolicy: {{loadBalancer: {text}}}}}")
