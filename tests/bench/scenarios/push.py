"""A push of 1,000 services under load: the longest that a client of the data path waits."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.bench import held
from tests.bench.many_services import service
from tests.bench.scenario import DIRECT, MESHD, Case, Party, Scenario, http_load
from tests.bench.targets import Target
from tests.helpers.proxies import read_status, wait_until

SERVICES = 1000
SHARE = 0.3  # of the load has passed when the push comes


@contextlib.contextmanager
def probed(party: Party, seconds: int) -> Iterator[dict[str, float]]:
    """Ask every two milliseconds around a load, on a connection of its own; gives the longest wait."""
    address, port = party.web
    found: dict[str, float] = {}
    command = [*party.host.enter, sys.executable, str(Path(held.__file__)), "probe", address, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        yield found
        process.stdin.close()
        found["stall"] = float(process.stdout.readline())


@contextlib.contextmanager
def pushed(party: Party, seconds: int) -> Iterator[dict[str, float]]:
    """Add services to meshd's configuration during a load, and take them out again after it; gives the longest wait of a client."""
    if party.contender.program != "meshd":
        with probed(party, seconds) as found:
            yield found
        return
    draft, place = party.configuration / ".many", party.configuration / "many.yaml"
    draft.write_text("---\n".join(service(number) for number in range(SERVICES)))
    timer = threading.Timer(seconds * SHARE, draft.rename, (place,))
    timer.start()
    with probed(party, seconds) as found:
        yield found
    timer.join()
    expect_clusters(party, range(SERVICES, 2 * SERVICES))
    place.unlink()
    expect_clusters(party, range(SERVICES))


def expect_clusters(party: Party, number: range) -> None:
    """
    Wait until meshd's workers serve with such a number of clusters.

    Raises:
        RuntimeError: If it does not come to that.
    """
    folder = party.configuration.parent

    def settled() -> bool:
        status = read_status(folder / "run")
        generation = status["generation"]
        return generation["resources"]["clusters"] in number and all(it["acknowledged"] == generation["number"] for it in status["workers"])

    wait_until(settled, f"meshd serves {number} clusters", log=folder / "meshd.log")


PUSH = Scenario(
    f"a push of {SERVICES:,} services under small GET, 32 keep-alive connections",
    (Case("no push", http_load(), around=probed), Case("push", http_load(), (Target("stall", 0.020, to=""),), around=pushed)),
    (DIRECT, MESHD),
)
