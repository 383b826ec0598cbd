"""Reading traffic policies as Istio validates them."""

import pytest

from meshd.model.destination_rule import DestinationRule
from meshd.model.traffic_policy import (
    ClientTls,
    ConnectionPool,
    ConsistentHash,
    HashCookie,
    Keepalive,
    LoadBalancer,
    LocalityLb,
    OutlierDetection,
    PortPolicy,
    RetryBudget,
    TrafficPolicy,
    Tunnel,
    Warmup,
)
from tests.helpers.networking import DESTINATION_RULE, read, wrong


def test_reads_a_whole_policy():
    """Every field, and those of a port."""
    locality = LocalityLb(True, (("eu/*", (("eu/a/*", 80), ("us/*", 20))),), (), ("topology.istio.io/network", "tier=gold"))
    cookie = HashCookie("user", "/", 0.0, (("SameSite", "Lax"),))
    port = PortPolicy(
        LoadBalancer(consistent_hash=ConsistentHash(cookie=cookie, maglev=True, table_size=65537)),
        ConnectionPool(max_connections=1),
        OutlierDetection(0),
        ClientTls("SIMPLE", credential_name="secret", insecure_skip_verify=True),
    )
    expected = TrafficPolicy(
        LoadBalancer("ROUND_ROBIN", None, locality, Warmup(60.0, 5.0, 2.0)),
        ConnectionPool(100, 0.03, Keepalive(3, 7200.0, 75.0), 3600.0, 0.0, 1, 2, 3, 4, 5.0, "DO_NOT_UPGRADE", True, 6),
        OutlierDetection(1, 2, 3, True, 4.0, 5.0, 6, 7),
        ClientTls("MUTUAL", "/c.pem", "/k.pem", "/ca.pem", "/crl.pem", "", ("a",), "web"),
        Tunnel("proxy.example.com", 3128, "POST"),
        "V2",
        RetryBudget(25.0, 5),
        {80: port},
    )
    assert expected == read(DestinationRule, DESTINATION_RULE).policy


def policy(text: str) -> TrafficPolicy | None:
    """Return the policy that a text says."""
    return read(DestinationRule, f"{{host: web, trafficPolicy: {text}}}").policy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", TrafficPolicy()),
        ("{tls: {}}", TrafficPolicy(tls=ClientTls("DISABLE"))),
        ("{proxyProtocol: {}}", TrafficPolicy(proxy_protocol="V1")),
        ("{tunnel: {targetHost: a, targetPort: 1}}", TrafficPolicy(tunnel=Tunnel("a", 1))),
        ("{retryBudget: {}}", TrafficPolicy(retry_budget=RetryBudget())),
        ("{connectionPool: {tcp: {maxConnections: 0}}}", TrafficPolicy(connection_pool=ConnectionPool(max_connections=0))),
        ("{outlierDetection: {}}", TrafficPolicy(outlier_detection=OutlierDetection())),
        ("{portLevelSettings: [{port: {number: 80}, tls: {}}, {port: {number: 80}}]}",
         TrafficPolicy(ports={80: PortPolicy(tls=ClientTls("DISABLE"))})),
    ],
)  # fmt: skip
def test_absent_fields_have_protobufs_defaults(text, expected):
    """And of a port that is there twice the first counts, as with Istio."""
    assert expected == policy(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{connectionPool: {}}", ["error spec.trafficPolicy.connectionPool: expected tcp or http, got neither"]),
        ("{connectionPool: {tcp: 5}}", ["error spec.trafficPolicy.connectionPool.tcp: expected a mapping, got the number 5"]),
        ("{connectionPool: {tcp: {maxConnections: -1}}}", [
            "error spec.trafficPolicy.connectionPool.tcp.maxConnections: expected a number from 0 to 2147483647, got the number -1",
        ]),
        ("{connectionPool: {tcp: {connectTimeout: 0s}}}", [
            "error spec.trafficPolicy.connectionPool.tcp.connectTimeout: expected a duration of at least 0.001s such as 10s or 250ms, got '0s'",
        ]),
        ("{connectionPool: {tcp: {idleTimeout: 5}}}", [
            "error spec.trafficPolicy.connectionPool.tcp.idleTimeout: expected a duration of at least 0.001s such as 10s or 250ms, got the "
            "number 5",
        ]),
        ("{connectionPool: {tcp: {tcpKeepalive: {time: x}}}}", [
            "error spec.trafficPolicy.connectionPool.tcp.tcpKeepalive.time: expected a duration of at least 0.001s such as 10s or 250ms, got 'x'",
        ]),
        ("{connectionPool: {http: {maxRetries: 1.5}}}", [
            "error spec.trafficPolicy.connectionPool.http.maxRetries: expected a number from 0 to 2147483647, got the number 1.5",
        ]),
        ("{connectionPool: {http: {h2UpgradePolicy: MAYBE}}}", [
            "error spec.trafficPolicy.connectionPool.http.h2UpgradePolicy: expected DEFAULT or DO_NOT_UPGRADE or UPGRADE, got 'MAYBE'",
        ]),
        ("{connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}", [
            "warning spec.trafficPolicy.connectionPool.http.h2UpgradePolicy: HTTP/2, asked for by UPGRADE, is not served yet and has no effect",
        ]),
        ("{connectionPool: {http: {h2UpgradePolicy: UPGRADE, useClientProtocol: true}}}", [
            "error spec.trafficPolicy.connectionPool.http.useClientProtocol: expected it to be false with h2UpgradePolicy UPGRADE, got true",
            "warning spec.trafficPolicy.connectionPool.http.h2UpgradePolicy: HTTP/2, asked for by UPGRADE, is not served yet and has no effect",
            "warning spec.trafficPolicy.connectionPool.http.useClientProtocol: useClientProtocol is not served yet and has no effect",
        ]),
        ("{connectionPool: {http: {maxConcurrentStreams: 5}}}", [
            "warning spec.trafficPolicy.connectionPool.http.maxConcurrentStreams: maxConcurrentStreams is not served yet and has no effect",
        ]),
        ("{connectionPool: {http: {http2MaxRequest: 5}}}", [
            "warning spec.trafficPolicy.connectionPool.http.http2MaxRequest: expected a known field, got http2MaxRequest, which is ignored; "
            "did you mean http2MaxRequests?",
        ]),
        ("{outlierDetection: {consecutiveErrors: 5}}", [
            "warning spec.trafficPolicy.outlierDetection.consecutiveErrors: expected consecutive5xxErrors, got the old consecutiveErrors, "
            "which has no effect",
        ]),
        ("{outlierDetection: {consecutive5xxErrors: '5'}}", [
            "error spec.trafficPolicy.outlierDetection.consecutive5xxErrors: expected a number from 0 to 4294967295, got '5'; remove the quotes",
        ]),
        ("{outlierDetection: {interval: 1us}}", [
            "error spec.trafficPolicy.outlierDetection.interval: expected a duration of at least 0.001s such as 10s or 250ms, got '1us'",
        ]),
        ("{outlierDetection: {maxEjectionPercent: 101}}", [
            "error spec.trafficPolicy.outlierDetection.maxEjectionPercent: expected a number from 0 to 100, got the number 101",
        ]),
        ("{tls: {mode: ON}}", ["error spec.trafficPolicy.tls.mode: expected DISABLE or SIMPLE or MUTUAL or ISTIO_MUTUAL, got the boolean true"]),
        ("{tls: {mode: ISTIO_MUTUAL}}", [
            "warning spec.trafficPolicy.tls.mode: mode ISTIO_MUTUAL is not served yet and has no effect: nothing is encrypted",
        ]),
        ("{tls: {mode: ISTIO_MUTUAL, sni: a}}", [
            "warning spec.trafficPolicy.tls.mode: mode ISTIO_MUTUAL is not served yet and has no effect: nothing is encrypted",
        ]),
        ("{tls: {mode: MUTUAL}}", [
            "error spec.trafficPolicy.tls.clientCertificate: expected a file in mode MUTUAL, got nothing",
            "error spec.trafficPolicy.tls.privateKey: expected a file in mode MUTUAL, got nothing",
        ]),
        ("{tls: {mode: SIMPLE, credentialName: a, caCertificates: /a}}", [
            "error spec.trafficPolicy.tls.credentialName: expected credentialName or files, got caCertificates too",
        ]),
        ("{tls: {mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a]}}", [
            "error spec.trafficPolicy.tls.insecureSkipVerify: expected it to be false beside subjectAltNames, got true",
        ]),
        ("{tls: {insecureSkipVerify: true}}", [
            "error spec.trafficPolicy.tls.insecureSkipVerify: expected it in mode SIMPLE or MUTUAL, got mode DISABLE",
        ]),
        ("{tls: {subjectAltNames: a}}", ["error spec.trafficPolicy.tls.subjectAltNames: expected a list, got 'a'; begin each item with '- '"]),
        ("{tunnel: {}}", [
            "error spec.trafficPolicy.tunnel.targetHost: expected a DNS name, or one with * in the place of its first label, got nothing",
            "error spec.trafficPolicy.tunnel.targetPort: expected a number from 1 to 65535, got nothing",
        ]),
        ("{tunnel: {targetHost: a, targetPort: 1, protocol: POST}}", [
            "warning spec.trafficPolicy.tunnel.protocol: protocol POST is not served yet and closes every connection",
        ]),
        ("{tunnel: {targetHost: '*.a', targetPort: 1}}", [
            "error spec.trafficPolicy.tunnel.targetHost: expected a host, got '*.a'",
        ]),
        ("{tunnel: {targetHost: a, targetPort: 1, protocol: GET}}", [
            "error spec.trafficPolicy.tunnel.protocol: expected CONNECT or POST, got 'GET'",
        ]),
        ("{proxyProtocol: {version: V3}}", [
            "error spec.trafficPolicy.proxyProtocol.version: expected V1 or V2, got 'V3'",
        ]),
        ("{retryBudget: {percent: 101}}", ["error spec.trafficPolicy.retryBudget.percent: expected a number from 0 to 100, got the number 101"]),
        ("{retryBudget: {minRetryConcurrency: -1}}", [
            "error spec.trafficPolicy.retryBudget.minRetryConcurrency: expected a number from 0 to 4294967295, got the number -1",
        ]),
        ("{portLevelSettings: [{}]}", ["error spec.trafficPolicy.portLevelSettings[0].port: expected a port, got nothing"]),
        ("{portLevelSettings: [{port: 80}]}", ["error spec.trafficPolicy.portLevelSettings[0].port: expected a mapping, got the number 80"]),
        ("{portLevelSettings: [{port: {number: 80}}, {port: {number: 80}}]}", [
            "warning spec.trafficPolicy.portLevelSettings[1].port: expected each port once, got 80 twice; the first counts",
        ]),
        ("{portLevelSettings: [{port: {number: 80}, tunnel: {}}]}", [
            "warning spec.trafficPolicy.portLevelSettings[0].tunnel: expected a known field, got tunnel, which is ignored",
        ]),
        ("{loadBalance: {}}", [
            "warning spec.trafficPolicy.loadBalance: expected a known field, got loadBalance, which is ignored; did you mean loadBalancer?",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(text, expected):
    """Each with its field; what no worker acts on yet is told."""
    assert expected == wrong(DestinationRule, f"{{host: web, trafficPolicy: {text}}}")
