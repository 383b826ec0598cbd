"""The terminal step of every chain: forwards an exchange to a host of its route's cluster, again where the route's policy says so."""

from functools import partial
from typing import Final, cast

import attrs

from meshd.codec.http_events import ResponseHead
from meshd.snapshot.replies import REPLIES, Reply, hidden, retried
from meshd.tables.grpc_timeout import NAME as GRPC_TIMEOUT
from meshd.tables.interfaces import RouteEntry, Step
from meshd.tables.mirrors import MirrorRules
from meshd.tables.retry_rules import RetryRules
from meshd.tables.timeouts import limit_request, tell_timeout
from meshd.worker.deadlines import LOOKS
from meshd.worker.exchange import Copy, Exchange, Policy
from meshd.worker.hashing import choose_host
from meshd.worker.resources import Resources
from meshd.worker.shadow import Shadow
from meshd.worker.tries import Pause, TryLimit
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.connect import failure_text
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.parts import part_for
from meshd.worker.upstream.pool import Pools, Served

TRIES_TOO_LONG: Final = ("upstream_per_try_timeout", "upstream_per_try_idle_timeout")
_REFUSED: Final = "delayed_connect_error:_Connection_refused"
TIMEOUTS: Final = ("connection_timeout", *TRIES_TOO_LONG)


class Router(Policy, Served):
    """One for all exchanges of a worker."""

    __slots__ = ("_clusters", "_live", "_pools", "_resources", "_seconds")

    def __init__(self, resources: Resources) -> None:
        """Forward to the clusters of a worker."""
        self._resources = resources
        self._clusters = resources.clusters
        self._live = resources.clusters.live
        self._pools = Pools(resources, self)
        self._seconds = resources.seconds

    def route(self, exchange: Exchange) -> None:
        """Forward an exchange whose route is known."""
        route = exchange.route
        assert route is not None
        cluster = exchange.cluster
        if cluster is None:
            name = route.pick_cluster(exchange)
            cluster = exchange.cluster = self._live.get(name) or self._clusters.find(name)
            if cluster is None:
                exchange.reply(route.not_found)
                return
        cluster.requests += 1
        exchange.router = self
        if route.timed and (route.timed > 1 or GRPC_TIMEOUT in exchange.request.headers.first):
            route = exchange.route = limit_request(exchange, exchange.route or route)
        if route.limited:
            self._limit(exchange, route)
        self._try(exchange, cluster)
        if exchange.copies is not None:
            self._send_copies(exchange.copies)

    def mirror(self, exchange: Exchange, rules: MirrorRules) -> None:
        """Copy an exchange that is about to be forwarded; the copy is sent after it."""
        cluster = self._clusters.find(rules.cluster)
        if cluster is not None:
            copy = Shadow(exchange, rules, cluster, self._resources)
            exchange.copies = [*(exchange.copies or ()), copy]

    def _send_copies(self, copies: list[Copy]) -> None:
        for copy in copies:
            exchange = copy.exchange
            if not exchange.ended:
                self.route(exchange)
                if exchange.upstream is not None and exchange.kept_bytes:
                    exchange.upstream.flush()

    def name_cluster(self, exchange: Exchange) -> None:
        """Note the cluster of an exchange that is answered or kept before it comes here; it goes to that one, if it comes at all."""
        route = exchange.route
        if route is not None and exchange.cluster is None:
            exchange.cluster = self._clusters.find(route.pick_cluster(exchange))

    def _try(self, exchange: Exchange, cluster: LiveCluster) -> None:
        """Send an exchange to one host."""
        exchange.attempts = attempts = exchange.attempts + 1
        route = exchange.route
        if exchange.tried is not None:
            host = self._choose_again(exchange, cluster, exchange.tried)
        elif route is not None and route.hash_policy is not None:
            host = choose_host(exchange, cluster)
        else:
            host = cluster.choose(exchange.connection)
        if host is None:
            exchange.reply(REPLIES["no_healthy_upstream"])
            return
        if route is not None:
            if route.attempt_count:
                exchange.request.headers.set(b"x-envoy-attempt-count", b"%d" % attempts)
            prepare = route.prepare
            if prepare is not None and attempts == 1:
                prepare(exchange)
                route = exchange.route or route
            if route.rehost is not None and host.name:
                route.rehost(exchange, host.name)
        place = part_for(exchange, cluster, host) if cluster.parted else host
        idle = place.idle
        if not idle:
            self._pools.wait(exchange, cluster, place)
            return
        host.active += 1
        exchange.upstream_host = host
        if cluster.requests - cluster.waiting > cluster.limits.max_requests:
            self.overflow(exchange)
            return
        idle.pop().carry(exchange)
        if route is not None:
            retries = route.retries
            if retries is not None and retries.limits_tries:
                self._limit_try(exchange, retries)

    def _limit(self, exchange: Exchange, route: RouteEntry) -> None:
        """Start what limits of a route begin with a request."""
        if route.idle_timeout:
            exchange.server.look_within(route.idle_timeout / LOOKS)
        if route.max_stream_duration:
            exchange.server.look_within(route.max_stream_duration)
        if exchange.request_complete:
            self._limit_answer(exchange, route)

    def _limit_answer(self, exchange: Exchange, route: RouteEntry) -> None:
        """Start the timeout that a route has for answers to requests that are complete."""
        if route.timeout:
            exchange.timer = self._resources.wheel.after(route.timeout, partial(self._answer_timed_out, exchange, route))

    def _answer_timed_out(self, exchange: Exchange, route: RouteEntry) -> None:
        host, upstream = exchange.upstream_host, exchange.upstream
        if host is not None and host.watch is not None and upstream is not None and upstream.connected and not exchange.answered:
            host.watch.failed(True)
        reply = REPLIES["response_timeout"]
        exchange.reply(hidden(reply) if (exchange.route or route).hides_timeouts else reply)

    def _limit_try(self, exchange: Exchange, retries: RetryRules) -> None:
        """Start the limits of one try, if the request is complete."""
        if exchange.request_complete:
            TryLimit(exchange, retries, self._resources.wheel, self._seconds, self._try_timed_out)

    def _try_timed_out(self, exchange: Exchange, reason: str) -> None:
        upstream, exchange.upstream = exchange.upstream, None
        if upstream is not None:
            upstream.cancel()
        self.failed(exchange, reason, 0)

    def _choose_again(self, exchange: Exchange, cluster: LiveCluster, tried: list[UpstreamHost]) -> UpstreamHost | None:
        """Pick for another try: anew, a few times, while the host has been tried already; the last one tried is left for good."""
        route = exchange.route
        retries = route.retries if route is not None else None
        if retries is not None and retries.leaves_priorities:
            cluster.pick_elsewhere(tried, retries.leaves_priorities)
        host = choose_host(exchange, cluster)
        if retries is not None:
            for again in range(retries.reselections):
                if host not in tried:
                    break
                host = choose_host(exchange, cluster, again + 1)
            if retries.leaves_priorities:
                cluster.pick_anywhere()
        if host is not None and exchange.upstream_host is not None:  # where there is none, the log still names the last one
            exchange.upstream_host.active -= 1
            exchange.upstream_host = None
        return host

    def overflow(self, exchange: Exchange) -> None:
        """Answer what a limit of its cluster leaves no place for; it is never tried again."""
        reply = REPLIES["overflow"]
        exchange.reply(retried(reply) if exchange.attempts > 1 else reply)

    def carried(self, exchange: Exchange) -> None:
        """Start the limits of a try that had waited for its connection."""
        route = exchange.route
        retries = route.retries if route is not None else None
        if retries is not None and retries.limits_tries:
            self._limit_try(exchange, retries)

    # what becomes of it

    def responded(self, exchange: Exchange, head: ResponseHead) -> None:
        """Pass an answer on, or throw it away for another try."""
        if head.status < 200 and head.status != 101:
            exchange.server.send_informational(head)
            return
        host = exchange.upstream_host
        if host is not None and host.watch is not None:
            host.watch.answered(head.status)
        exchange.response = head
        route = exchange.route
        if route is not None:
            retries = route.retries
            if retries is not None and (head.status >= retries.lowest or b"grpc-status" in head.headers.first):
                if retries.retries_answer(exchange) and self._retry(exchange, retries, head):
                    return
        if exchange.retrying:
            self._settle(exchange)
        exchange.status = head.status
        exchange.details = "via_upstream"
        exchange.failure = ""
        if exchange.request_complete:
            exchange.service_time = took = int((self._seconds() - exchange.completed_at) * 1000)
            if not exchange.quiet:
                head.headers.set(b"x-envoy-upstream-service-time", b"%d" % took)
        if route is not None and route.finish is not None:
            route.finish(exchange)
        if not exchange.request.upgrade or not self._switch(exchange, head):
            exchange.server.send_head(exchange)

    def _switch(self, exchange: Exchange, head: ResponseHead) -> bool:
        """Switch protocols; end an answer that takes the request for an ordinary one, without its body; leave a refusal to be passed on."""
        upstream = exchange.upstream
        if head.upgrade and upstream is not None:
            exchange.upstream = None
            exchange.switched = True
            exchange.server.switch(exchange, *upstream.leave())
            return True
        if head.status // 100 != 2:
            return False
        exchange.details = "websocket_handshake_unsuccessful"
        exchange.drop_upstream()
        head.headers.remove(b"content-length")
        head.length = 0
        exchange.server.send_head(exchange)
        exchange.server.send_end()
        return True

    def failed(self, exchange: Exchange, reason: str, code: int) -> None:
        """Answer for an upstream that did not, or try again."""
        host = exchange.upstream_host
        if reason == "connection_failure":
            exchange.failure = failure_text(code, "" if host is None else host.address)
        if host is not None and host.watch is not None:
            host.watch.failed(reason in TIMEOUTS)
        if exchange.answered:
            self._break_off(exchange, reason)
            return
        route = exchange.route
        retries = route.retries if route is not None else None
        if retries is not None and retries.retries_failure(reason) and self._retry(exchange, retries, None):
            return
        reply = reply_for(reason, code, exchange.failure)
        if reason in TRIES_TOO_LONG and route is not None and route.hides_timeouts:
            reply = hidden(reply)
        exchange.reply(retried(reply) if exchange.attempts > 1 else reply)

    def _break_off(self, exchange: Exchange, reason: str) -> None:
        """End a response that was cut by its upstream, or that makes no progress."""
        if reason in TRIES_TOO_LONG:
            exchange.reply(REPLIES[reason])
        else:
            exchange.reply(Reply(exchange.status, "UPE", "upstream_reset_after_response_started{protocol_error}"))

    def _retry(self, exchange: Exchange, retries: RetryRules, head: ResponseHead | None) -> bool:
        """Try again after a pause, if that may be; return whether it will be, and say in the flags why not. An answer is thrown away then."""
        cluster = exchange.cluster
        if cluster is None or (exchange.request.length and exchange.kept is None):
            return False
        if exchange.attempts > retries.attempts:
            exchange.flag("URX")
            return False
        self._settle(exchange)
        if not cluster.may_retry():
            exchange.flag("UO")
            return False
        cluster.retries += 1
        exchange.retrying = True
        exchange.response = None
        upstream, exchange.upstream = exchange.upstream, None
        if upstream is not None and head is not None:
            upstream.throw_away(head)
        if exchange.try_timer is not None:
            exchange.try_timer.cancel()
        if exchange.tried is None:
            exchange.tried = []
        if exchange.upstream_host is not None:
            exchange.tried.append(exchange.upstream_host)
        delay = retries.delay(exchange.attempts, self._resources.random)
        Pause(exchange, cluster, self._resources.wheel, delay, self._try_again)
        return True

    def _settle(self, exchange: Exchange) -> None:
        """Count an exchange no longer among the retries: it is known what has become of it."""
        if exchange.retrying and exchange.cluster is not None:
            exchange.retrying = False
            exchange.cluster.retries -= 1

    def _try_again(self, exchange: Exchange) -> None:
        exchange.run(cast(Step, self._try_next))

    def _try_next(self, exchange: Exchange) -> None:
        route, cluster = exchange.route, exchange.cluster
        if route is not None:
            tell_timeout(exchange, route, self._seconds() - exchange.completed_at if exchange.request_complete else 0.0)
        if cluster is not None:
            self._try(exchange, cluster)

    # timers

    def request_completed(self, exchange: Exchange) -> None:
        """Start the route's timeouts: a request with a body has been read whole."""
        route = exchange.route
        if route is None:
            return
        if exchange.upstream is not None and exchange.upstream.connected:
            self.carried(exchange)
        self._limit_answer(exchange, route)

    def tunnel_closed(self, exchange: Exchange) -> None:
        """Count a connection that had switched protocols no longer."""
        cluster, host = exchange.cluster, exchange.upstream_host
        if cluster is not None and host is not None:
            self._pools.forget(cluster, part_for(exchange, cluster, host) if cluster.parted else host)


def reply_for(reason: str, code: int, failure: str = "") -> Reply:
    """
    Give the answer for an upstream's failure.

    Args:
        reason: Key of the reply.
        code: The errno of a connect that failed for another reason than being refused.
        failure: What was wrong with TLS, or with the connect.
    """
    reply = REPLIES[reason]
    if reason == "tls_failure" or (failure and reason == "connection_termination"):
        return attrs.evolve(reply, details=f"{reply.details[:-1]}|{failure.replace(' ', '_')}}}")
    if reason == "connection_failure":
        return attrs.evolve(reply, details=reply.details.replace(_REFUSED, failure or failure_text(code)))
    return reply
