"""The rate limit filter: answers requests beyond a rate, as it is told, or as a route says in its place."""

from collections.abc import Callable

import attrs

from meshd.codec.headers import Headers
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.http_filter import HttpFilterConfig, LocalRateLimit
from meshd.snapshot.replies import REPLIES, Reply
from meshd.tables.header_changes import Change, change_headers
from meshd.tables.interfaces import Environment, Exchange, HttpFilter, Step
from meshd.tables.token_bucket import TokenBucket

LIMITED = REPLIES["local_rate_limited"]
RESOURCE_EXHAUSTED = "8"


@attrs.frozen(eq=False)
class LimitRules:
    """
    A limit made ready.

    Attributes:
        config: What it was made from.
        bucket: None: no request is limited.
        reply: The answer of those that are, but for headers that are made of the request.
        change: Makes these; None for none.
        mark: Changes requests that go on without a token; None for nothing.
    """

    config: LocalRateLimit
    bucket: TokenBucket | None
    reply: Reply
    change: Change | None
    mark: Change | None

    def answer(self, exchange: Exchange) -> Reply:
        """Give the answer of a request that is too many."""
        if self.change is None:
            return self.reply
        headers = Headers([])
        self.change(exchange, headers)
        return attrs.evolve(self.reply, headers=tuple((name.decode(), value.decode("latin-1")) for name, value in headers.pairs))


def build_rules(config: LocalRateLimit, environment: Environment, place: str) -> LimitRules:
    """
    Return what is to be done.

    Args:
        config: The limit.
        environment: Has the buckets.
        place: Where it stands: each place has a bucket of its own, which outlives changes of everything else.
    """
    grpc = RESOURCE_EXHAUSTED if config.resource_exhausted else ""
    bucket = None
    if config.max_tokens and config.fill_interval and config.enabled_percent:
        rate = config.tokens_per_fill / config.fill_interval
        bucket = environment.bucket(f"{place} {config.name} {config.max_tokens} {rate!r}", config.max_tokens, rate)
    reply = attrs.evolve(LIMITED, status=config.status, grpc_status=grpc)
    return LimitRules(config, bucket, reply, _changes(config.response_headers, environment), _changes(config.request_headers, environment))


def _changes(changes: tuple[HeaderChange, ...], environment: Environment) -> Change | None:
    return change_headers(HeaderChanges(changes), environment.surroundings) if changes else None


def build_local_rate_limit(config: HttpFilterConfig, environment: Environment) -> HttpFilter:
    """Return the filter; its own settings hold for routes that have none for a filter of its name."""
    assert isinstance(config, LocalRateLimit)
    own, name, random = build_rules(config, environment, environment.place), config.name, environment.random

    def wrap(proceed: Step) -> Step:
        def step(exchange: Exchange) -> None:
            route = exchange.route
            rules: LimitRules = own if route is None else route.filters.get(name, own)
            bucket = rules.bucket
            if bucket is None or not _draw(rules.config.enabled_percent, random):
                proceed(exchange)
                return
            if rules.config.tells_rate:
                exchange.notes = {**(exchange.notes or {}), name: bucket}
            if bucket.take():
                proceed(exchange)
            elif _draw(rules.config.enforced_percent, random):
                environment.name_cluster(exchange)
                exchange.reply(rules.answer(exchange))
            else:
                if rules.mark is not None:
                    rules.mark(exchange, exchange.request.headers)
                proceed(exchange)

        return step

    def tell(exchange: Exchange) -> None:
        notes, response = exchange.notes, exchange.response
        if notes is not None and response is not None and name in notes:
            bucket: TokenBucket = notes[name]
            response.headers.add(b"x-ratelimit-limit", b"%d" % bucket.max_tokens)
            response.headers.add(b"x-ratelimit-remaining", b"%d" % bucket.remaining)
            response.headers.add(b"x-ratelimit-reset", b"%d" % bucket.reset)

    return HttpFilter("local_ratelimit", request=wrap, response=tell)


def _draw(percent: float, random: Callable[[], float]) -> bool:
    return percent >= 100.0 or random() * 100 < percent
