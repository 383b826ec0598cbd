"""An endpoint that comes and goes ten times a second under load."""

import contextlib
import threading
from collections.abc import Iterator

from tests.bench.hosts import SECOND_SERVER
from tests.bench.scenario import DIRECT, MESHD, Case, Party, Scenario, http_load
from tests.bench.targets import Target
from tests.bench.world import web_endpoint

INTERVAL = 0.1


@contextlib.contextmanager
def flapping(party: Party, seconds: int) -> Iterator[dict[str, float]]:
    """Add and remove meshd's second endpoint in turn around a load; gives how often that happened."""
    found: dict[str, float] = {"changes": 0.0}
    over = threading.Event()

    def flap() -> None:
        # a name that begins with a dot is not read: a file is there whole. One that vanishes counts half a second later only, so it stays.
        draft, place = party.configuration / ".second", party.configuration / "second.yaml"
        while not over.wait(INTERVAL):
            found["changes"] += 1
            draft.write_text(web_endpoint("my-nginx-2", SECOND_SERVER if found["changes"] % 2 else ""))
            draft.rename(place)

    thread = threading.Thread(target=flap)
    if party.contender.program == "meshd":
        thread.start()
    yield found
    over.set()
    if thread.ident is not None:
        thread.join()


FLAPPING = Scenario(
    "an endpoint comes and goes 10 times a second under small GET, 32 keep-alive connections",
    (Case("steady", http_load()), Case("flapping", http_load(), (Target("errors", 0.0, to=""),), around=flapping)),
    (DIRECT, MESHD),
)
