"""What a connection manager does to a response's headers last."""

from meshd.codec.headers import Headers
from meshd.codec.http_date import DateHeader
from meshd.codec.http_events import RequestHead, ResponseHead
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.tables.headers.header_text import append_via, header_text


class ResponseHeaders:
    """What Istio's sidecars do: tell the time where the upstream has not, and who answers. The base of all others, and the one on the fast path."""

    __slots__ = ("_date", "_server")

    def __init__(self, config: HttpConnectionManager) -> None:
        """
        Decide by a connection manager's settings.

        Raises:
            BuildError: If a text cannot stand in a header.
        """
        self._date = DateHeader()
        self._server = header_text("server name", config.server_name)

    def sign(self, response: ResponseHead, request: RequestHead, wall: float) -> None:
        """
        Say in a response who answers and when.

        Args:
            response: Changed in place.
            request: What it answers.
            wall: Seconds since the epoch.
        """
        headers = response.headers
        if b"date" not in headers.first:
            headers.add(b"date", self._date.at(wall))
        headers.set(b"server", self._server)


class ChosenResponseHeaders(ResponseHeaders):
    """Response headers where more is asked for, in Envoy's order."""

    __slots__ = ("_always_tells_id", "_overwrites", "_passes", "_via")

    def __init__(self, config: HttpConnectionManager) -> None:
        """As the base."""
        super().__init__(config)
        self._passes = config.server_header == "PASS_THROUGH"
        self._overwrites = config.server_header == "OVERWRITE"
        self._always_tells_id = config.request_id_in_response
        self._via = header_text("via", config.via)

    def sign(self, response: ResponseHead, request: RequestHead, wall: float) -> None:
        """As the base."""
        headers = response.headers
        if b"date" not in headers.first:
            headers.add(b"date", self._date.at(wall))
        if self._overwrites or (not self._passes and b"server" not in headers.first):
            headers.set(b"server", self._server)
        self._tell_id(headers, request.headers)
        if self._via:
            append_via(headers, self._via)

    def _tell_id(self, headers: Headers, asked: Headers) -> None:
        """Tell the request's id where that is wanted, or where an internal client has asked for a trace."""
        request_id = asked.first.get(b"x-request-id")
        if request_id is not None and (self._always_tells_id or b"x-envoy-force-trace" in asked.first):
            headers.set(b"x-request-id", request_id)


def build_responses(config: HttpConnectionManager) -> ResponseHeaders:
    """
    Return what finishes the responses of a connection manager.

    Raises:
        BuildError: If a text cannot stand in a header.
    """
    plain = config.server_header == "OVERWRITE" and not (config.request_id_in_response or config.via or config.internal_ranges)
    return ResponseHeaders(config) if plain else ChosenResponseHeaders(config)
