"""Small answers over connections that stay: what a request costs, and how long it takes."""

from tests.bench.scenario import Case, Scenario, http_load
from tests.bench.targets import Target
from tests.bench.yardsticks import REMARKS

MANY = Scenario(
    "small GET, 32 keep-alive connections",
    (Case("", http_load(), (Target("cpu", 0.50), Target("p99", 1.0), Target("idle_rss", 60e6, to=""))),),
    remarks=REMARKS,
)
ONE = Scenario("small GET, 1 connection", (Case("", http_load(connections=1), (Target("p50", 1.2),)),), remarks=REMARKS)
FULL = Scenario("small GET, 512 keep-alive connections", (Case("", http_load(connections=512), (Target("cpu", 0.55),)),), remarks=REMARKS)
