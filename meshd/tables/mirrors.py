"""Copies of requests, sent to other clusters besides: which requests are copied, and how a copy differs from its original."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from meshd.codec.http_events import RequestHead
from meshd.snapshot.route import Mirror
from meshd.tables.interfaces import Environment, Exchange, RouteEntry, Step

SUFFIX: Final = b"-shadow"
LONGEST: Final = 300.0
"""Seconds that a copy may take whose route has no timeout, where Envoy would wait for ever: nobody is there who could give up."""


@attrs.frozen(eq=False, repr=False)
class MirrorRules:
    """
    One mirror of a route made ready.

    Attributes:
        cluster: Gets the copies.
        percent: Of requests, 0 to 100.
        shadow_suffix: The copies' authority says so.
        own_address: This machine's IP address, which has passed the copy on.
        route: Entry that the copies have: no retries, no changes, a timeout.
    """

    cluster: str
    percent: float
    shadow_suffix: bool
    own_address: bytes
    route: RouteEntry

    def route_for(self, exchange: Exchange) -> RouteEntry:
        """Give the entry for the copy of an exchange, whose client may have asked for less time than its route allows."""
        route, entry = self.route, exchange.route
        if entry is not None and entry.timeout and entry.timeout != route.timeout:
            route = route.copy()
            route.timeout = entry.timeout
        return route

    def head_for(self, request: RequestHead) -> RequestHead:
        """
        Give a copy's head from that of a request which is about to be forwarded.

        Source:
            Envoy's AsyncStreamImpl::sendHeaders: a copy is marked as internal and passed on by the proxy itself.
        """
        head = request.copy()
        if self.shadow_suffix:
            head.authority = shadow_authority(head.authority)
        headers = head.headers
        headers.set(b"x-envoy-internal", b"true")
        before = headers.joined(b"x-forwarded-for")
        headers.set(b"x-forwarded-for", before + b"," + self.own_address if before else self.own_address)
        return head


def shadow_authority(authority: bytes) -> bytes:
    """Say that a request is a copy: `host-shadow`, before the port if there is one."""
    host, colon, port = authority.rpartition(b":")
    if not colon or b"]" in port:
        return authority + SUFFIX
    return host + SUFFIX + colon + port


def mirror_route(
    mirrors: Sequence[Mirror], entry: RouteEntry, prepare: Step | None, environment: Environment,
) -> Step | None:
    """
    Return a route's `prepare` that has its requests copied, once they are as they will be forwarded.

    Args:
        mirrors: Of the route.
        entry: Of the route, its times set.
        prepare: What changes the requests.
        environment: Makes the copies.
    """
    route, own_address = _copy_entry(entry), environment.own_address.encode()
    ready = [MirrorRules(one.cluster, one.percent, one.shadow_suffix, own_address, route) for one in mirrors if one.percent]
    if not ready:
        return prepare
    choose = _build_choose(ready, environment.random)

    def copy(exchange: Exchange) -> None:
        if prepare is not None:
            prepare(exchange)
        if not exchange.request.upgrade:  # what is asked to switch would belong to two
            for rules in choose():
                environment.mirror(exchange, rules)

    return copy


def _build_choose(ready: list[MirrorRules], random: Callable[[], float]) -> Callable[[], list[MirrorRules]]:
    """One number decides for all mirrors of a request, as with Envoy: what a smaller part goes to is among the larger one."""
    if all(rules.percent >= 100 for rules in ready):
        return lambda: ready

    def choose() -> list[MirrorRules]:
        drawn = random() * 100
        return [rules for rules in ready if drawn < rules.percent]

    return choose


def _copy_entry(entry: RouteEntry) -> RouteEntry:
    route = RouteEntry()
    route.name, route.virtual_host, route.origin, route.not_found = entry.name, entry.virtual_host, entry.origin, entry.not_found
    route.filters = {}
    route.pick_cluster = lambda exchange: ""  # the copy's cluster is known
    route.prepare = route.rehost = route.finish = route.answer = route.hash_policy = None
    route.retries = route.retry_policy = route.idle_timeout = route.max_stream_duration = route.max_grpc_timeout = None
    route.attempt_count = route.hides_timeouts = False
    route.timed = 0
    route.timeout = entry.timeout or LONGEST
    route.limited = True
    return route
