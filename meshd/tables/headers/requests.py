"""What a connection manager does to a request's headers before anything looks at them."""

from typing import Final

from meshd.base.addresses import format_address
from meshd.codec.headers import Headers
from meshd.codec.http_events import RequestHead
from meshd.tables.headers.client_address import forwarded_address
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.interfaces import Connection

XFCC: Final = b"x-forwarded-client-cert"

ONLY_INTERNAL: Final = frozenset((
    b"x-envoy-upstream-rq-timeout-ms", b"x-envoy-upstream-rq-per-try-timeout-ms", b"x-envoy-upstream-rq-timeout-alt-response", b"x-envoy-retry-on",
    b"x-envoy-retry-grpc-on", b"x-envoy-max-retries", b"x-envoy-hedge-on-per-try-timeout", b"x-envoy-retriable-status-codes",
    b"x-envoy-retriable-header-names", b"x-envoy-upstream-alt-stat-name", b"x-envoy-upstream-stream-duration-ms", b"x-envoy-expected-rq-timeout-ms",
    b"x-envoy-force-trace", b"x-envoy-ip-tags", b"x-envoy-original-url",
))
"""What only an internal client may say; every client is external where no internal addresses are configured."""
REMOVED: Final = ONLY_INTERNAL | {b"x-envoy-internal", XFCC}
"""What a sidecar without internal addresses takes from no client."""
RARE: Final = REMOVED | {b"referer"}
"""Names that need more than a look."""

SINGLE: Final = frozenset((
    b"accept", b"accept-encoding", b"access-control-request-headers", b"access-control-request-method", b"authorization", b"cache-control",
    b"content-type", b"expect", b"grpc-timeout", b"origin", b"te", b"user-agent", b"via", b"x-client-trace-id", b"x-envoy-attempt-count",
    b"x-envoy-decorator-operation", b"x-envoy-downstream-service-cluster", b"x-envoy-downstream-service-node", b"x-envoy-external-address",
    b"x-envoy-original-path", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-request-id",
)) | ONLY_INTERNAL | {XFCC}
"""Headers whose lines are joined to one, so that everybody reads the same (Envoy's inline headers); those of other names stay as they are."""


class RequestHeaders:
    """
    What Istio's sidecars do: believe `x-forwarded-for`, keep ids, take nobody for an internal client.

    The base of all others, and the one on the fast path.
    """

    __slots__ = ("_ids",)

    def __init__(self, ids: RequestIds | None) -> None:
        """Take what makes an `x-request-id` where there is none; None: none is made."""
        self._ids = ids

    def prepare(self, request: RequestHead, peer: str, connection: Connection) -> str:
        """
        Add what every forwarded request has, and remove what clients may not say.

        Args:
            request: Changed in place.
            peer: `address:port` of the other end.
            connection: Whence the request came.

        Returns:
            The client's address as the access log has it: `x-forwarded-for` gives no port, which is 0 then.

        Source:
            Observed with Envoy 1.40 and `use_remote_address: false`.
        """
        headers = request.headers
        first = headers.first
        if not RARE.isdisjoint(first):
            remove_all(headers, REMOVED)
            check_referer(headers)
        if headers.repeated:
            join_lines(headers)
        if b"x-forwarded-proto" not in first:
            headers.add(b"x-forwarded-proto", connection.scheme)
        ids = self._ids
        if ids is not None:
            if b"x-request-id" not in first:
                ready = ids.ready
                headers.add(b"x-request-id", ready.pop() if ready else ids.make())
            elif not first[b"x-request-id"]:
                headers.set(b"x-request-id", ids.make())
        if b"x-forwarded-for" not in first:
            return peer
        address = forwarded_address(first[b"x-forwarded-for"])
        return format_address(address, 0) if address else peer


def remove_all(headers: Headers, names: frozenset[bytes]) -> None:
    """Drop every line of some names."""
    for name in names.intersection(headers.first):
        headers.remove(name)


def check_referer(headers: Headers) -> None:
    """Drop a Referer that is no single one, or that tells of a fragment or a user (RFC 9110, section 10.1.3)."""
    referer = headers.joined(b"referer")
    if referer is None:
        return
    scheme, separator, rest = referer.partition(b"://")
    absolute = separator and scheme in (b"http", b"https")
    if referer != headers.first[b"referer"] or (absolute and (b"#" in rest or b"@" in rest.partition(b"/")[0])):
        headers.remove(b"referer")


def join_lines(headers: Headers) -> None:
    """Make one line of each header of which there is to be one only."""
    for name in SINGLE.intersection(headers.first):
        joined = headers.joined(name)
        if joined is not None and joined != headers.first[name]:
            headers.set(name, joined)
