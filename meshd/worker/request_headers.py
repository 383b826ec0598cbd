"""What a connection manager does to a request's headers before anything looks at them."""

from meshd.base.addresses import format_address, is_ip_address
from meshd.codec.headers import Headers
from meshd.worker.request_ids import RequestIds

REMOVED = frozenset((
    b"x-envoy-internal", b"x-envoy-upstream-rq-timeout-ms", b"x-envoy-upstream-rq-per-try-timeout-ms", b"x-envoy-upstream-rq-timeout-alt-response",
    b"x-envoy-retry-on", b"x-envoy-retry-grpc-on", b"x-envoy-max-retries", b"x-envoy-hedge-on-per-try-timeout", b"x-envoy-retriable-status-codes",
    b"x-envoy-retriable-header-names", b"x-envoy-upstream-alt-stat-name", b"x-envoy-upstream-stream-duration-ms", b"x-envoy-expected-rq-timeout-ms",
    b"x-envoy-force-trace", b"x-envoy-ip-tags", b"x-forwarded-client-cert",
))
"""What only an internal client may say; every client is external where no internal addresses are configured."""
RARE = REMOVED | {b"x-forwarded-for", b"referer"}
"""Names that need more than a look."""


def prepare_headers(headers: Headers, request_ids: RequestIds | None, scheme: bytes) -> None:
    """
    Add what every request forwarded has, and remove what clients may not say.

    Args:
        headers: Changed in place.
        request_ids: Makes an `x-request-id` where there is none; None: none is made.
        scheme: `http`, or `https` over TLS.

    Source:
        Observed with Envoy 1.40 and `use_remote_address: false`.
    """
    first = headers.first
    if not RARE.isdisjoint(first):
        _prepare_rare(headers)
        first = headers.first
    if b"x-forwarded-proto" not in first:
        headers.add(b"x-forwarded-proto", scheme)
    if request_ids is not None:
        given = first.get(b"x-request-id")
        if given is None:
            ready = request_ids.ready
            headers.add(b"x-request-id", ready.pop() if ready else request_ids.make())
        elif not given:
            headers.set(b"x-request-id", request_ids.make())
        elif len(first) != len(headers.pairs):
            _join(headers, b"x-request-id")


def _prepare_rare(headers: Headers) -> None:
    for name in REMOVED.intersection(headers.first):
        headers.remove(name)
    referer = headers.first.get(b"referer")
    if referer is not None and b"#" in referer and referer.startswith((b"http://", b"https://")):
        headers.remove(b"referer")
    _join(headers, b"x-forwarded-for")


def _join(headers: Headers, name: bytes) -> None:
    """Make repeated lines of a header one."""
    joined = headers.joined(name)
    if joined is not None and joined != headers.first[name]:
        headers.set(name, joined)


def client_address(headers: Headers, peer: str) -> str:
    """
    Give DOWNSTREAM_REMOTE_ADDRESS: the last address of X-Forwarded-For, which is believed, with port 0; the peer's where there is none.

    Args:
        headers: After `prepare_headers`.
        peer: `address:port` of the other end.
    """
    forwarded = headers.first.get(b"x-forwarded-for")
    if forwarded is None:
        return peer
    last = forwarded.rpartition(b",")[2].strip().decode("latin-1")
    return format_address(last, 0) if is_ip_address(last) else peer
