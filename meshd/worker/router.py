"""The terminal step of every chain: forwards an exchange to a host of its route's cluster, again where the route's policy says so."""

import errno
from functools import partial
from typing import cast

import attrs

from meshd.codec.http_events import ResponseHead
from meshd.snapshot.replies import REPLIES, Reply, hidden, retried
from meshd.snapshot.route import RetryPolicy
from meshd.tables.grpc_timeout import NAME as GRPC_TIMEOUT
from meshd.tables.interfaces import RouteEntry, Step
from meshd.tables.timeouts import limit_request, tell_timeout
from meshd.worker.deadlines import LOOKS
from meshd.worker.exchange import Exchange, Policy
from meshd.worker.resources import Resources
from meshd.worker.retries import retries_answer, retries_failure, retry_delay
from meshd.worker.upstream.cluster import LiveCluster
from meshd.worker.upstream.connect import IN_PROGRESS, failure_text
from meshd.worker.upstream.host import UpstreamHost
from meshd.worker.upstream.http1 import Answered, Http1Upstream
from meshd.worker.wire.stream import Stream

TIMEOUTS = ("connection_timeout", "upstream_per_try_timeout")


class Router(Policy, Answered):
    """One for all exchanges of a worker."""

    __slots__ = ("_clusters", "_live", "_resources", "_seconds")

    def __init__(self, resources: Resources) -> None:
        """Forward to the clusters of a worker."""
        self._resources = resources
        self._clusters = resources.clusters
        self._live = resources.clusters.live
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
                exchange.reply(REPLIES["cluster_not_found"])
                return
        if cluster.requests >= cluster.limits.max_requests:
            exchange.reply(REPLIES["overflow"])
            return
        cluster.requests += 1
        exchange.router = self
        if route.timed and (route.timed > 1 or GRPC_TIMEOUT in exchange.request.headers.first):
            route = exchange.route = limit_request(exchange, exchange.route or route)
        if route.limited:
            self._limit(exchange, route)
        self._try(exchange, cluster)

    def name_cluster(self, exchange: Exchange) -> None:
        """Note the cluster of an exchange that is answered or kept before it comes here; it goes to that one, if it comes at all."""
        route = exchange.route
        if route is not None and exchange.cluster is None:
            exchange.cluster = self._clusters.find(route.pick_cluster(exchange))

    def _try(self, exchange: Exchange, cluster: LiveCluster) -> None:
        """Send an exchange to one host."""
        host = cluster.choose(exchange.connection)
        if exchange.tried is not None:
            host = self._choose_untried(exchange, cluster, host)
        exchange.attempts = attempts = exchange.attempts + 1
        if host is None:
            exchange.reply(REPLIES["no_healthy_upstream"])
            return
        route = exchange.route
        if route is not None:
            if route.attempt_count:
                exchange.request.headers.set(b"x-envoy-attempt-count", b"%d" % attempts)
            prepare = route.prepare
            if prepare is not None and attempts == 1:
                prepare(exchange)
            if route.rehost is not None and host.name:
                route.rehost(exchange, host.name)
            policy = route.retry_policy
            if policy is not None and policy.per_try_timeout and exchange.request_complete:
                self._limit_try(exchange, policy)
        host.active += 1
        exchange.upstream_host = host
        idle = host.idle
        if idle:
            idle.pop().carry(exchange)
        else:
            self._connect(exchange, cluster, host)

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
        host = exchange.upstream_host
        if host is not None and host.watch is not None:
            host.watch.failed(True)
        reply = REPLIES["response_timeout"]
        exchange.reply(hidden(reply) if route.hides_timeouts else reply)

    def _limit_try(self, exchange: Exchange, policy: RetryPolicy) -> None:
        """Start the timeout of one try."""
        exchange.try_timer = self._resources.wheel.after(policy.per_try_timeout, partial(self._try_timed_out, exchange))

    def _try_timed_out(self, exchange: Exchange) -> None:
        exchange.try_timer = None
        upstream, exchange.upstream = exchange.upstream, None
        if upstream is not None:
            upstream.cancel()
        self.failed(exchange, "upstream_per_try_timeout", 0)

    def _connect(self, exchange: Exchange, cluster: LiveCluster, host: UpstreamHost) -> None:
        exchange.upstream_local = ""
        descriptor, code = self._resources.connect(host.address, host.port, host.source)
        if descriptor is None:
            self.failed(exchange, "connection_failure", code)
            return
        resources = self._resources
        upstream = Http1Upstream(self, resources.poller, cluster, host)
        limit = cluster.config.buffer_limit
        upstream.stream = Stream(resources.poller, descriptor, upstream, connecting=code == IN_PROGRESS, limit=limit)
        if code == IN_PROGRESS:
            upstream.connect_timer = resources.wheel.after(cluster.config.connect_timeout, upstream.connect_timed_out)
        upstream.carry(exchange)

    def _choose_untried(self, exchange: Exchange, cluster: LiveCluster, host: UpstreamHost | None) -> UpstreamHost | None:
        """Pick anew, a few times, while the host has been tried already."""
        route, tried = exchange.route, exchange.tried or []
        policy = route.retry_policy if route is not None else None
        if policy is not None and policy.previous_hosts:
            for _ in range(policy.host_selection_attempts):
                if host not in tried:
                    break
                host = cluster.choose(exchange.connection)
        return host

    # what becomes of it

    def responded(self, exchange: Exchange, head: ResponseHead) -> None:
        """Pass an answer on, or throw it away for another try."""
        if head.status < 200 and head.status != 101:
            exchange.server.send_informational(head)
            return
        host = exchange.upstream_host
        if host is not None and host.watch is not None:
            host.watch.answered(head.status)
        route = exchange.route
        policy = route.retry_policy if route is not None else None
        if policy is not None and (head.status >= 400 or b"grpc-status" in head.headers.first) and retries_answer(policy, head):
            if self._retry(exchange, policy):
                return
            if exchange.attempts > 1:
                exchange.flags = "URX"
        exchange.status = head.status
        exchange.details = "via_upstream"
        exchange.failure = ""
        if exchange.request_complete:
            exchange.service_time = took = int((self._seconds() - exchange.completed_at) * 1000)
            if not exchange.quiet:
                head.headers.set(b"x-envoy-upstream-service-time", b"%d" % took)
        exchange.response = head
        if route is not None and route.finish is not None:
            route.finish(exchange)
        if not exchange.request.upgrade or not self._switch(exchange, head):
            exchange.server.send_head(exchange)

    def _switch(self, exchange: Exchange, head: ResponseHead) -> bool:
        """Switch protocols; end an answer that takes the request for an ordinary one, without its body; leave a refusal to be passed on."""
        upstream = exchange.upstream
        if head.upgrade and upstream is not None:
            exchange.upstream = None
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
        if reason == "connection_failure":
            exchange.failure = failure_text(code)
        host = exchange.upstream_host
        if host is not None and host.watch is not None:
            host.watch.failed(reason in TIMEOUTS)
        if exchange.answered:
            self._break_off(exchange, reason)
            return
        route = exchange.route
        policy = route.retry_policy if route is not None else None
        reply = reply_for(reason, code)
        if reason == "upstream_per_try_timeout" and route is not None and route.hides_timeouts:
            reply = hidden(reply)
        if policy is not None and retries_failure(policy, reason):
            if self._retry(exchange, policy):
                return
            if exchange.attempts > 1:
                reply = retried(reply)
        exchange.reply(reply)

    def _break_off(self, exchange: Exchange, reason: str) -> None:
        """End a response that was cut by its upstream."""
        exchange.reply(Reply(exchange.status, "UPE", "upstream_reset_after_response_started{protocol_error}"))

    def replay(self, exchange: Exchange) -> None:
        """Carry an exchange over another connection: the first had been closed before it was written."""
        cluster, host = exchange.cluster, exchange.upstream_host
        if cluster is not None and host is not None:
            if host.idle:
                host.idle.pop().carry(exchange)
            else:
                self._connect(exchange, cluster, host)
            if exchange.upstream is not None:
                exchange.upstream.flush()

    def _retry(self, exchange: Exchange, policy: RetryPolicy) -> bool:
        """Try again after a short wait, if tries are left; return whether it will be."""
        cluster = exchange.cluster
        if cluster is None or exchange.attempts > policy.attempts or (exchange.request.length and exchange.kept is None):
            return False
        if exchange.tried is None and cluster.retries >= cluster.limits.max_retries:
            exchange.flags = "UO"
            return False
        upstream, exchange.upstream = exchange.upstream, None
        if upstream is not None:
            upstream.cancel()
        if exchange.tried is None:
            exchange.tried = []
            cluster.retries += 1
        host = exchange.upstream_host
        if host is not None:
            host.active -= 1
            exchange.upstream_host = None
            exchange.tried.append(host)
        if exchange.try_timer is not None:
            exchange.try_timer.cancel()
        delay = retry_delay(policy, exchange.attempts, self._resources.random)
        exchange.try_timer = self._resources.wheel.after(delay, partial(self._try_again, exchange, cluster))
        return True

    def _try_again(self, exchange: Exchange, cluster: LiveCluster) -> None:
        exchange.try_timer = None
        route = exchange.route
        if route is not None:
            tell_timeout(exchange, route, self._seconds() - exchange.completed_at if exchange.request_complete else 0.0)
        exchange.run(cast(Step, partial(self._try, cluster=cluster)))

    # timers

    def request_completed(self, exchange: Exchange) -> None:
        """Start the route's timeouts: a request with a body has been read whole."""
        route = exchange.route
        if route is None:
            return
        policy = route.retry_policy
        if policy is not None and policy.per_try_timeout and exchange.upstream is not None:
            self._limit_try(exchange, policy)
        self._limit_answer(exchange, route)


def reply_for(reason: str, code: int) -> Reply:
    """Give the answer for an upstream's failure; `code` is the errno of a connect that failed for another reason than being refused."""
    reply = REPLIES[reason]
    if reason == "connection_failure" and code != errno.ECONNREFUSED:
        return attrs.evolve(reply, details=reply.details.replace("delayed_connect_error:_Connection_refused", failure_text(code)))
    return reply
