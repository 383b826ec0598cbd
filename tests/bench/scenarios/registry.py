"""All scenarios, by what `SCENARIO=` calls them."""

from collections.abc import Mapping

from tests.bench.scenario import Scenario
from tests.bench.scenarios import bodies, choices, dns, flapping, idle, many_routes, new_connections, push, small_get, tcp, two_hops, two_workers

SCENARIOS: Mapping[str, Scenario] = {
    "a": small_get.MANY,
    "b": small_get.ONE,
    "c": small_get.FULL,
    "d": bodies.BODIES,
    "e": new_connections.HTTP,
    "e-tcp": new_connections.TCP,
    "f": many_routes.MANY_ROUTES,
    "g": tcp.TCP,
    "h": idle.IDLE,
    "i": two_hops.TWO_HOPS,
    "j": two_workers.TWO_WORKERS,
    "k": flapping.FLAPPING,
    "l": push.PUSH,
    "dns": dns.DNS,
    "choices": choices.CHOICES,
}
