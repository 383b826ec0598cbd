"""Removes the WorkloadEntries of machines that died, from an API server: machines that live look after each other."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from meshd.base.errors import MeshError
from meshd.kubernetes.api import LEASES
from meshd.model.registry_settings import GRACE
from meshd.registry.cluster_desk import GROUP_LABEL, Connect, remove

MARGIN = 2.0  # seconds more than a lease lasts, for a renewal that is on its way
MOST = 500  # leases in one answer

log = Logger()


class Sweeper:
    """
    Looks twice at the leases of a namespace: whose has not been renewed in between is gone, whatever the clocks of the machines say.

    With many machines each looks less often, so that all of them together ask the API server about as much as one.

    Attributes:
        removed: How many entries it has removed.
    """

    def __init__(self, connect: Connect, clock: IReactorTime, random: Callable[[], float], namespace: str) -> None:
        """
        Prepare.

        Args:
            connect: Gives who asks the API server.
            clock: Monotonic timers.
            random: A source of numbers in [0, 1).
            namespace: Whose entries.
        """
        self.removed = 0
        self._connect = connect
        self._clock = clock
        self._random = random
        self._namespace = namespace
        self._sweeping: Deferred[Any] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._sweeping = ensureDeferred(self._sweep()).addErrback(_tell)

    def stop(self) -> None:
        """Look no more."""
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            count = 1
            try:
                before = await self._leases()
                count = len(before)
                await deferLater(self._clock, GRACE + MARGIN)
                after = await self._leases() if before else {}
                for name, renewed in before.items():
                    if after.get(name) == renewed:
                        await self._remove(name)
            except MeshError as error:
                log.debug("leases could not be looked at: {error}", error=error)
            await deferLater(self._clock, GRACE * max(1, count) / 2 * (0.5 + self._random()))

    async def _leases(self) -> dict[str, str]:
        """Give when each machine renewed its lease last, by its own word."""
        found: dict[str, str] = {}
        more = ""
        while True:
            query = {"labelSelector": GROUP_LABEL, "limit": str(MOST), **({"continue": more} if more else {})}
            answer = await self._connect().get(LEASES.path(self._namespace), query)
            for lease in answer.get("items") or []:
                found[str(lease["metadata"]["name"])] = str((lease.get("spec") or {}).get("renewTime"))
            more = str((answer.get("metadata") or {}).get("continue") or "")
            if not more:
                return found

    async def _remove(self, name: str) -> None:
        await remove(self._connect(), self._namespace, name)
        self.removed += 1
        log.info("{namespace}/{name} was not renewed for {grace} s, and is removed", namespace=self._namespace, name=name, grace=GRACE)


def _tell(failure: Failure) -> None:
    if not failure.check(CancelledError):
        log.failure("looking after registered workloads", failure)
