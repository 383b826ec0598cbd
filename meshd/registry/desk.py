"""A registry that is asked over HTTPS: where a machine registers, and whom it follows."""

from typing import Any
from urllib.parse import urlencode

from twisted.internet.defer import Deferred, ensureDeferred

from meshd.base.errors import has_errors
from meshd.base.origins import Origin
from meshd.model.paths import no_lines
from meshd.model.reading import Fields, Report
from meshd.model.registry_settings import MOST_GRACE
from meshd.model.workload_group import Probe, read_probe
from meshd.registry.client import RegistryClient, RegistryError
from meshd.registry.joiner import Welcome
from meshd.registry.statement import Json, Statement

ANSWER = 5.0  # seconds that an answer may take, and longer where it waits for a change


class HttpsDesk:
    """One registry."""

    def __init__(self, client: RegistryClient) -> None:
        """Take who asks."""
        self._client = client

    def announce(self, said: Statement) -> "Deferred[Welcome]":
        """Say something; fails with a RegistryError."""
        return ensureDeferred(self._announce(said))

    def entries(self, run: str, after: int, wait: int) -> "Deferred[Json]":
        """Give what changed after a version of a run; fails with a RegistryError."""
        page = "/v1/entries?" + urlencode({"run": run, "after": after, "wait": wait})
        return ensureDeferred(self._client.ask("GET", page, None, wait + ANSWER))

    async def _announce(self, said: Statement) -> Welcome:
        return read_welcome(await self._client.ask("PUT", "/v1/workloads", said.to_json(), ANSWER))


def read_welcome(answer: Json) -> Welcome:
    """
    Read what a registry answers to a statement.

    Raises:
        RegistryError: If it is of another shape.
    """
    name, grace, left_out = answer.get("name"), answer.get("grace"), answer.get("left_out", [])
    timely = isinstance(grace, int | float) and 1 <= grace <= MOST_GRACE
    if not isinstance(name, str) or not timely or not isinstance(left_out, list):
        raise RegistryError("expected a welcome, got an answer of another shape")
    return Welcome(name, float(grace or 0), _read_probe(answer.get("probe")), tuple(str(key) for key in left_out))


def _read_probe(found: Any) -> Probe | None:
    """Read a probe; a command is none: nobody has a machine run something by telling it over the network."""
    if not isinstance(found, dict):
        return None
    report = Report(Origin("registry"), no_lines)
    probe = read_probe(Fields(found, (), report))
    if has_errors(report.problems) or probe.kind == "exec":
        raise RegistryError("expected a probe, got something else")
    return probe
