"""Two workers: what sharing costs, and how evenly they share."""

import contextlib
import threading
from collections.abc import Iterator

import attrs

from tests.bench.scenario import DIRECT, MESHD, REAL_ENVOY, Case, Contender, Party, Scenario, http_load
from tests.bench.targets import Target
from tests.helpers.proxies import read_status

ONE_WORKER = "meshd, 1 worker"


@contextlib.contextmanager
def shares(party: Party, seconds: int) -> Iterator[dict[str, float]]:
    """Look at meshd's workers in the middle of a load; gives the busiest one's share of the connections."""
    found: dict[str, float] = {}

    def look() -> None:
        assert party.folder is not None
        connections = [worker["status"].get("connections", 0) for worker in read_status(party.folder / "run")["workers"]]
        if sum(connections):
            found["share"] = max(connections) / sum(connections)

    timer = threading.Timer(seconds / 2, look)
    if party.contender.program == "meshd":
        timer.start()
    yield found
    if timer.ident is not None:
        timer.join()


TWO_WORKERS = Scenario(
    "2 workers, small GET",
    (
        Case("32 keep-alive connections", http_load(), (Target("cpu", 1.1, to=ONE_WORKER),)),
        Case("512 keep-alive connections", http_load(connections=512), (Target("share", 0.65, to=""),), around=shares),
    ),
    (DIRECT, attrs.evolve(MESHD, workers=2), Contender(ONE_WORKER, "meshd"), attrs.evolve(REAL_ENVOY, workers=2)),
)
