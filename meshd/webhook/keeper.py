"""Keeps the authority and the server's certificate fresh, and what the API server believes of them."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from meshd.base.errors import MeshError
from meshd.kubernetes.api import MUTATING_WEBHOOKS, Api
from meshd.kubernetes.client import ApiError
from meshd.webhook.authority import AUTHORITY_REST, LEAF_REST, Authority, AuthorityError, Leaf, make_authority, wall_time
from meshd.webhook.configuration import with_bundle
from meshd.webhook.store import Client, Store

LOOK = 30.0  # seconds between two looks, three small questions: another process may have renewed the authority, or somebody removed it
AGAIN = 5.0  # seconds after a look that failed, doubled up to LOOK
TRIES = 5  # to be the one who writes, where several begin at once
VALIDATING_WEBHOOKS = attrs.evolve(MUTATING_WEBHOOKS, plural="validatingwebhookconfigurations", kind="ValidatingWebhookConfiguration")

log = Logger()


async def obtain(store: Store, now: float) -> Authority:
    """
    Give the authority that is kept, made or renewed where that is due.

    Raises:
        MeshError: If it cannot be read, written or used.
    """
    moment = wall_time(now)
    for _ in range(TRIES):
        found = await store.load()
        if found is not None and found.ends() - moment > AUTHORITY_REST:
            return found
        fresh = make_authority(moment) if found is None else found.renewed(moment)
        if await store.save(fresh):
            log.info("a certificate authority of the webhook was {what}", what="made" if found is None else "renewed")
            return fresh
    raise AuthorityError("others write the webhook's authority all the time")


@attrs.define(eq=False)
class Keeper:
    """
    Looks after certificates.

    Attributes:
        store: Where the authority is.
        names: Of the server, in its certificate.
        clock: Timers.
        wall: Seconds since 1970.
        use: Takes the server's certificate, each time that there is a new one.
        client: Asks the API server that is to believe the authority; None: somebody else tells it.
        configurations: Names of the webhook configurations, injection's and validation's.
    """

    store: Store
    names: Sequence[str]
    clock: IReactorTime
    wall: Callable[[], float]
    use: Callable[[Leaf], None]
    client: Client | None = None
    configurations: tuple[str, str] = ("", "")
    _authority: Authority | None = None
    _leaf: Leaf | None = None
    _timer: IDelayedCall | None = None
    _under_way: "Deferred[Any] | None" = None
    _pause: float = AGAIN

    @property
    def ready(self) -> bool:
        """Whether the server has a certificate."""
        return self._leaf is not None

    def start(self) -> None:
        """Look now, and again."""
        self._timer = None
        self._under_way = Deferred.fromCoroutine(self._look())

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._under_way is not None:
            self._under_way.cancel()

    async def _look(self) -> None:
        try:
            await self.look()
            pause, self._pause = LOOK, AGAIN
        except MeshError as error:
            log.warn("the webhook's certificates: {error}; trying again in {pause:g} s", error=error, pause=self._pause)
            pause, self._pause = self._pause, min(self._pause * 2, LOOK)
        except CancelledError:  # we are to stop
            return
        except Exception:
            log.failure("looking after certificates")
            pause = LOOK
        self._under_way = None
        self._timer = self.clock.callLater(pause, self.start)

    async def look(self) -> None:
        """
        Look once: renew what is due, have the API server believe it, and only then show it.

        Raises:
            MeshError: If anything of that fails; what there was is shown on.
        """
        authority = await obtain(self.store, self.wall())
        await self._publish(authority)
        moment = wall_time(self.wall())
        if self._leaf is None or authority != self._authority or self._leaf.ends - moment < LEAF_REST:
            self._leaf, self._authority = authority.issue(self.names, moment), authority
            self.use(self._leaf)

    async def _publish(self, authority: Authority) -> None:
        """Write the authority into the webhook configurations that are there and ours."""
        if self.client is None:
            return
        for api, name in zip((MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS), self.configurations, strict=True):
            await self._publish_to(self.client, api, name, authority.ca_bundle)

    async def _publish_to(self, client: Client, api: Api, name: str, bundle: str) -> None:
        path = api.path(name=name)
        try:
            changed = with_bundle(await client.get(path), bundle)
            if changed is not None:
                await client.replace(path, changed)
                log.info("{kind} {name} has the webhook's authority", kind=api.kind, name=name)
        except ApiError as error:
            if error.status not in (404, 409):  # it is not installed; or it changed meanwhile, and is looked at again
                raise
