"""Names: those of the mesh from the table, others passed on to a name server."""

from collections.abc import Callable

from tests.bench.dns import RATE, SERVICES, Names, load_names
from tests.bench.hosts import SERVER
from tests.bench.load import Load
from tests.bench.many_services import service
from tests.bench.scenario import Case, Contender, Party, Scenario
from tests.bench.targets import US, Target

DNSMASQ = Contender("dnsmasq", "dnsmasq")
SERVED = "".join(f"---\n{service(number, endpoints=1)}" for number in range(SERVICES))
MESHD = Contender(US, "meshd", node=f"dns: {{enabled: true, servers: [{SERVER}]}}, capture: {{enabled: false}}", more=SERVED)
"""Asked at its own port, as dnsmasq is: what the kernel does to divert questions is no part of either."""


def _load(names: Names, rate: int = 0) -> Callable[[Party, int], Load]:
    def load(party: Party, seconds: int) -> Load:
        return load_names(party.host.enter, names, seconds, rate)
    return load


DNS = Scenario(
    f"DNS, {SERVICES:,} services",
    (
        Case("of the mesh, as fast as they are answered", _load("table"), (Target("cpu", 1.0, to=DNSMASQ.name),), "query"),
        Case(f"of the mesh, {RATE:,} a second", _load("table", RATE), (Target("p99", 0.002, to=""),), "query"),
        Case(f"of others, {RATE:,} a second", _load("others", RATE), (Target("cpu", 4.0, to=DNSMASQ.name),), "query"),
    ),
    (MESHD, DNSMASQ),
)
