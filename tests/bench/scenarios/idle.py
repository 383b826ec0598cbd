"""Ten thousand idle connections: what they hold, and what requests cost beside them."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import held
from tests.bench.cpu import resident
from tests.bench.scenario import Case, Party, Scenario, http_load
from tests.bench.targets import Target
from tests.bench.yardsticks import REMARKS

CONNECTIONS = 10_000


@contextlib.contextmanager
def idle_connections(party: Party, seconds: int) -> Iterator[dict[str, float]]:
    """
    Keep connections open around a load.

    Yields:
        The memory of all the party's processes with them, and each one's share over the memory before any load.

    Raises:
        RuntimeError: If they cannot be opened.
    """
    address, port = party.web
    command = [*party.host.enter, sys.executable, str(Path(held.__file__)), "hold", address, str(port), str(CONNECTIONS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{party.contender.name}: could not open {CONNECTIONS:,} connections")
        holding = resident(party.pids)
        yield {"held_rss": holding, "each": (holding - party.idle_rss) / CONNECTIONS}
        process.stdin.close()


IDLE = Scenario(
    f"{CONNECTIONS:,} idle keep-alive connections, and small GET on 32 others beside them",
    (Case("", http_load(), (Target("held_rss", 1.0),), around=idle_connections),),
    remarks=REMARKS,
)
