"""What tables are built from and what they act on: the faces between lookup tables and the worker that runs them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from meshd.base.errors import MeshError
from meshd.codec.http_events import RequestHead, ResponseHead
from meshd.snapshot.http_filter import RouteFilterConfig
from meshd.snapshot.replies import Reply
from meshd.snapshot.route import RetryPolicy
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.token_bucket import EMPTY_SINCE_EVER, TokenBucket
from meshd.telemetry.log_format import NOWHERE
from meshd.telemetry.log_values import Surroundings
from meshd.telemetry.tls_facts import TlsFacts

if TYPE_CHECKING:
    from meshd.tables.mirrors import MirrorRules
    from meshd.tables.retry_rules import RetryRules


class Connection(Protocol):
    """
    What is known of a downstream connection when its filter chain is chosen; all text, set before the choice.

    Attributes:
        destination_address: Original destination's IP.
        destination_port: Its port.
        source_address: The peer's IP.
        source_port: Its port.
        transport_protocol: `raw_buffer`, or `tls` when a ClientHello was seen.
        application_protocols: ALPN names of the ClientHello; (`http/1.1`,), (`http/1.0`,) or (`h2c`,) when recognised; empty otherwise.
        server_name: SNI, lower case; empty without one.
        scheme: `http`, or `https` within TLS that is ended here.
        tls: That TLS; None where there is none.
    """

    destination_address: str
    destination_port: int
    source_address: str
    source_port: int
    transport_protocol: str
    application_protocols: tuple[str, ...]
    server_name: str
    scheme: bytes
    tls: TlsFacts | None


class Exchange(Protocol):
    """
    One request and its response, as filters, routes and log formats see it. HTTP/1 details do not show here.

    Attributes:
        request: The head as it will be forwarded; filters change it in place.
        path: Normalized path with query: the one that is matched, authorized, routed, logged and forwarded.
        host: What virtual hosts are sought by: `tables.hosts.host_of` of the authority.
        connection: The downstream connection.
        route: The route's entry once found.
        response: The head on its way to the client once there is one.
        flags: Response flags so far, with commas.
        notes: What filters keep of a request for its response; None until one does.
        on_cancel: Set by a filter that keeps the exchange: called if it ends meanwhile.
        quiet: Neither side is told of meshd by headers of Envoy's.
    """

    request: RequestHead
    quiet: bool
    path: bytes
    host: str
    route: "RouteEntry | None"
    response: ResponseHead | None
    flags: str
    notes: dict[str, Any] | None
    on_cancel: Callable[[], None] | None

    @property
    def connection(self) -> Connection:
        """See the class."""

    def reply(self, reply: Reply) -> None:
        """Answer from here instead of going on."""

    def run(self, proceed: "Step") -> None:
        """Resume a paused exchange; a bug in what follows becomes a logged 500."""


Step = Callable[[Exchange], None]
"""One joined piece of a chain: does its work and calls the next, or answers, or keeps the exchange for later."""

CopyRequest = Callable[[Exchange, "MirrorRules"], None]
"""Copies the request of an exchange that is about to be forwarded, as a mirror of its route says."""

Wrap = Callable[[Step], Step]

Condition = Callable[[Exchange], bool]
"""One condition on a request."""

Test = Callable[[bytes], bool]
"""One condition on a text of a request."""

MatchAll = Callable[[bytes], list[int] | None]
"""Tells which of some conditions a text of a request meets, by their places, in any order; None for none."""

ReadValues = Callable[[Exchange], Sequence[bytes]]
"""Gives the values of a header, one a line, or of a query parameter; empty where there is no such thing."""


class Cancellable(Protocol):
    """Something that is to happen."""

    def cancel(self) -> None:
        """Let it not happen; harmless afterwards."""


class _Never:
    def cancel(self) -> None:
        """Do nothing."""


def _never(seconds: float, then: Callable[[], None]) -> Cancellable:
    """Never call back."""
    return _Never()


def _do_nothing(exchange: Exchange) -> None:
    """Note nothing."""


def _copy_nothing(exchange: Exchange, rules: "MirrorRules") -> None:
    """Copy nothing."""


def _standing_bucket(_key: str, max_tokens: int, rate: float) -> TokenBucket:
    """Give a bucket for which no time passes."""
    return TokenBucket(max_tokens, rate, float, [EMPTY_SINCE_EVER])


@attrs.frozen
class Environment:
    """
    What tables may use of the worker that runs them.

    Attributes:
        random: A number in [0, 1), anew at each call.
        route: The terminal step: forwards an exchange whose route is known and gives no answer itself.
        name_cluster: Notes the cluster that an exchange's route leads to, for the log of what is answered before it gets there.
        surroundings: What the worker is told from outside, for the format strings of header values.
        request_ids: Makes request ids; None: requests get none.
        own_address: The machine's IP address, as others are told of it.
        after: Calls back after so many seconds; what it gives can be cancelled.
        mirror: Copies requests.
        bucket: Gives the bucket of a key, which holds so many tokens and gets so many a second; the same as long as anybody holds it.
        place: Where filters that are built stand: listener and chain.
    """

    random: Callable[[], float]
    route: Step
    name_cluster: Step = _do_nothing
    surroundings: Surroundings = NOWHERE
    request_ids: RequestIds | None = None
    own_address: str = "127.0.0.1"
    after: Callable[[float, Callable[[], None]], Cancellable] = _never
    mirror: CopyRequest = _copy_nothing
    bucket: Callable[[str, int, float], TokenBucket] = _standing_bucket
    place: str = ""


class BuildError(MeshError):
    """A snapshot that cannot be made runnable; `reasons` names each fault."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        """Take the faults, one text each."""
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@attrs.frozen
class HttpFilter:
    """
    A filter made ready; a phase left as None does not exist at run time.

    Attributes:
        name: In Envoy's words.
        request: Wraps the next step.
        response: Changes the head of a response on its way to the client, be it the upstream's or our own.
    """

    name: str
    request: Wrap | None = None
    response: Step | None = None


class RouteEntry:
    """
    A route made runnable; one object per route, shared by all its exchanges.

    Attributes:
        name: For the access log, `-` when the route has none.
        virtual_host: Name of its virtual host.
        pick_cluster: Returns the cluster's name for one exchange; empty for what is answered here, and where every weight is 0 (answer `not_found`).
            It may put the picked cluster's own entry in the place of the exchange's.
        answer: Gives the reply of a redirect or direct response; None where requests are forwarded.
        prepare: Changes a request that is about to be forwarded: its headers, authority and path; None for nothing. It may put a changed copy
            of the exchange's entry in its place.
        rehost: Gives a request the authority of the host it goes to; None to keep its own.
        filters: What the route says of HTTP filters, made ready, by the kind of its settings, or the name of the filter.
        finish: Changes the headers of the response on its way to the client; None for nothing.
        timeout: Seconds, 0 for none.
        retry_policy: Or None; changed with `retries`, by `retry_rules.set_retries`.
        retries: What it comes to.
        hash_policy: Gives the hash that an endpoint is picked by in a cluster that hashes, or `NO_HASH`; None where there never is one.
        max_stream_duration: As RouteAction's.
        max_grpc_timeout: As RouteAction's.
        idle_timeout: As RouteAction's.
        limited: One of the times above is set.
        timed: Which requests `timeouts.limit_request` has to look at: 0 for none, 1 for those with `grpc-timeout`, 2 for all.
        hides_timeouts: A timeout is answered with 204.
        attempt_count: Send `x-envoy-attempt-count`.
        not_found: What is answered where there is no such cluster.
        origin: Where it came from, as text.
    """

    __slots__ = (
        "answer", "attempt_count", "filters", "finish", "hash_policy", "hides_timeouts", "idle_timeout", "limited", "max_grpc_timeout",
        "max_stream_duration", "name", "not_found", "origin", "pick_cluster", "prepare", "rehost", "retries", "retry_policy", "timed", "timeout",
        "virtual_host",
    )

    name: str
    virtual_host: str
    pick_cluster: Callable[[Exchange], str]
    answer: Callable[[Exchange], Reply] | None
    prepare: Step | None
    rehost: Callable[[Exchange, bytes], None] | None
    filters: Mapping[type[RouteFilterConfig] | str, Any]
    finish: Step | None
    timeout: float
    retry_policy: RetryPolicy | None
    retries: "RetryRules | None"
    hash_policy: Callable[[Exchange], int] | None
    max_stream_duration: float | None
    max_grpc_timeout: float | None
    idle_timeout: float | None
    limited: bool
    timed: int
    hides_timeouts: bool
    attempt_count: bool
    not_found: Reply
    origin: str

    def copy(self) -> "RouteEntry":
        """Return an independent entry, for one exchange that has times of its own."""
        entry = RouteEntry()
        entry.name = self.name
        entry.virtual_host = self.virtual_host
        entry.pick_cluster = self.pick_cluster
        entry.answer = self.answer
        entry.prepare = self.prepare
        entry.rehost = self.rehost
        entry.filters = self.filters
        entry.finish = self.finish
        entry.timeout = self.timeout
        entry.retry_policy = self.retry_policy
        entry.retries = self.retries
        entry.hash_policy = self.hash_policy
        entry.max_stream_duration = self.max_stream_duration
        entry.max_grpc_timeout = self.max_grpc_timeout
        entry.idle_timeout = self.idle_timeout
        entry.limited = self.limited
        entry.timed = self.timed
        entry.hides_timeouts = self.hides_timeouts
        entry.attempt_count = self.attempt_count
        entry.not_found = self.not_found
        entry.origin = self.origin
        return entry


class Host(Protocol):
    """
    One endpoint as a balancer sees it; the worker's live object, which outlives pushes.

    Attributes:
        active: Requests or connections in flight.
        weight: From the snapshot.
        text: `address:port`.
        since: When it came to its cluster, monotonic seconds; long ago for one that was not healthy then.
    """

    active: int
    weight: int
    text: str
    since: float


Pick = Callable[[], Host | None]
"""Chooses among the hosts it was built over; None when there is none. By a hash where the source of randomness is a `Draw`."""

BuildPick = Callable[[Sequence[Host], Callable[[], float]], Pick]
"""From hosts and a source of randomness in [0, 1) to a Pick."""
