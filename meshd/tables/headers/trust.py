"""Request headers where clients are told apart: at an edge, with internal addresses, behind trusted proxies."""

from typing import ClassVar, Final

from meshd.base.addresses import format_address
from meshd.codec.headers import Headers
from meshd.codec.http_events import RequestHead
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.tables.headers.authority import build_shorten
from meshd.tables.headers.client_address import build_is_internal, forwarded_address
from meshd.tables.headers.client_certificates import build_certificates
from meshd.tables.headers.header_text import append_via, header_text
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.headers.requests import ONLY_INTERNAL, RequestHeaders, check_referer, join_lines, remove_all
from meshd.tables.interfaces import Connection

NOT_FROM_OUTSIDE: Final = ONLY_INTERNAL | {
    b"x-envoy-decorator-operation", b"x-envoy-downstream-service-cluster", b"x-envoy-downstream-service-node", b"x-envoy-original-host",
    b"x-envoy-original-path",
}
"""What an edge takes from no external client."""


class ForwardedHeaders(RequestHeaders):
    """
    Headers of requests whose client is known by `x-forwarded-for`: `use_remote_address` is off.

    Here, as in `EdgeHeaders`, headers are added in Envoy's order.
    """

    __slots__ = ("_certificates", "_hops", "_is_internal", "_shorten", "_via")

    only_internal: ClassVar[frozenset[bytes]] = ONLY_INTERNAL

    def __init__(self, config: HttpConnectionManager, ids: RequestIds | None) -> None:
        """
        Decide by a connection manager's settings.

        Raises:
            BuildError: If an address range is none, or a text cannot stand in a header.
        """
        super().__init__(ids)
        self._hops = config.xff_num_trusted_hops
        self._is_internal = build_is_internal(config.internal_ranges)
        self._shorten = build_shorten(config.strip_host_port, config.strip_trailing_host_dot)
        self._via = header_text("via", config.via)
        self._certificates = build_certificates(config.forward_client_cert_details, config.client_cert_details)

    def prepare(self, request: RequestHead, peer: str, connection: Connection) -> str:
        """Do as the base says, for one kind of client or the other."""
        headers = request.headers
        if self._shorten is not None and request.method != b"CONNECT":
            request.authority = self._shorten(request.authority, connection.destination_port)
        headers.remove(b"x-envoy-internal")
        check_referer(headers)
        join_lines(headers)
        address, candidate = self._find_client(headers, connection)
        is_internal = candidate != "" and self._is_internal(candidate)
        if is_internal:
            headers.add(b"x-envoy-internal", b"true")
        else:
            remove_all(headers, self.only_internal)
        if self._via:
            append_via(headers, self._via)
        if is_internal:
            self._identify(headers)
        else:
            self._mark_external(headers, address or connection.source_address)
        self._certificates(headers, connection.tls)
        return format_address(address, 0) if address else peer

    def _find_client(self, headers: Headers, connection: Connection) -> tuple[str, str]:
        """Give the client's address, empty if it is the peer's; and the one that may be internal, empty where none may."""
        if b"x-forwarded-proto" not in headers.first:
            headers.add(b"x-forwarded-proto", connection.scheme)
        forwarded = headers.first.get(b"x-forwarded-for")
        address = forwarded_address(forwarded, self._hops)
        return address, "" if self._hops or (forwarded is not None and b"," in forwarded) else address

    def _mark_external(self, headers: Headers, address: str) -> None:
        self._identify(headers)

    def _identify(self, headers: Headers) -> None:
        """Give a request an id that has none."""
        if self._ids is not None and not headers.first.get(b"x-request-id"):
            headers.set(b"x-request-id", self._ids.make())


class EdgeHeaders(ForwardedHeaders):
    """Headers of requests that come from anywhere: the peer is the client, unless trusted proxies stand before this one."""

    __slots__ = ("_appends", "_keeps_ids", "_own_address")

    only_internal: ClassVar[frozenset[bytes]] = NOT_FROM_OUTSIDE

    def __init__(self, config: HttpConnectionManager, ids: RequestIds | None, own_address: str) -> None:
        """As the base; `own_address` stands for peers on this machine."""
        super().__init__(config, ids)
        self._appends = not config.skip_xff_append
        self._keeps_ids = config.preserve_external_request_id
        self._own_address = own_address

    def _find_client(self, headers: Headers, connection: Connection) -> tuple[str, str]:
        forwarded = headers.first.get(b"x-forwarded-for")
        hops, peer = self._hops, connection.source_address
        address = forwarded_address(forwarded, hops - 1) if hops else ""
        if self._appends:
            last = (self._own_address if peer.startswith("127.") or peer == "::1" else peer).encode()
            headers.set(b"x-forwarded-for", last if forwarded is None else forwarded + b"," + last)
        if not hops or b"x-forwarded-proto" not in headers.first:
            headers.set(b"x-forwarded-proto", connection.scheme)
        return address, peer if forwarded is None else ""

    def _mark_external(self, headers: Headers, address: str) -> None:
        headers.set(b"x-envoy-external-address", address.encode())
        if self._ids is not None and not self._keeps_ids:
            headers.set(b"x-request-id", self._ids.make())
        else:
            self._identify(headers)


def build_requests(config: HttpConnectionManager, ids: RequestIds | None, own_address: str) -> RequestHeaders:
    """
    Return what prepares the requests of a connection manager.

    Args:
        config: Its settings.
        ids: Makes request ids where the settings ask for them; None: none are made.
        own_address: The machine's, which stands for peers on it.

    Raises:
        BuildError: If an address range is none, or a text cannot stand in a header.
    """
    ids = ids if config.generate_request_id else None
    if config.use_remote_address:
        return EdgeHeaders(config, ids, own_address)
    plain = (config.xff_num_trusted_hops, config.internal_ranges, config.via, config.strip_host_port, config.strip_trailing_host_dot)
    if not any(plain) and config.forward_client_cert_details in ("SANITIZE", "APPEND_FORWARD", "FORWARD_ONLY"):
        return RequestHeaders(ids)
    return ForwardedHeaders(config, ids)
