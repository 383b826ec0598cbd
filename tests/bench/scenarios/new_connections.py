"""A new connection for each request: what taking in, connecting and closing cost."""

from tests.bench.scenario import DIRECT, HAPROXY, MESHD, REAL_ENVOY, Case, Scenario, http_load, tcp_load
from tests.bench.targets import Target
from tests.bench.yardsticks import REMARKS, TCP_REMARKS

HTTP = Scenario(
    "a new HTTP connection for each request, 32 at a time",
    (Case("", http_load(headers=("Connection: close",)), (Target("cpu", 0.8),)),),
    remarks=REMARKS,
)
TCP = Scenario(
    "a new TCP connection for each message of 100 bytes, 32 at a time",
    (Case("", tcp_load("connect"), (Target("cpu", 0.95),), "connection"),),
    (DIRECT, MESHD, REAL_ENVOY, HAPROXY), TCP_REMARKS,
)
