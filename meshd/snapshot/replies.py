"""Every answer and every ending that meshd makes up itself: reason -> status, flag, details, body. The only such table."""

from typing import Literal

import attrs


@attrs.frozen
class Reply:
    """
    An answer that meshd gives itself.

    Attributes:
        status: HTTP status; 0 where nothing can be answered any more.
        flags: Response flags of the access log, comma separated; empty logs as `-`.
        details: RESPONSE_CODE_DETAILS.
        body: Text, ASCII.
        headers: Further header lines, before the usual ones; latin-1.
        changes: When the route's changes of headers are made: before those lines, after them (direct responses), or never.
        close: The connection is closed afterwards, whatever else.
        grpc_status: What a gRPC client is told, where `status` does not say it.

    Source:
        What a real Envoy 1.40 answers, set up as Istio does.
    """

    status: int
    flags: str = ""
    details: str = ""
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    grpc_status: str = ""
    changes: Literal["before", "after", "never"] = "before"


_RESET = "upstream connect error or disconnect/reset before headers. reset reason: "
_RETRIED = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "
_BEFORE = "upstream_reset_before_response_started"

REPLIES: dict[str, Reply] = {
    # routing
    "route_not_found": Reply(404, "NR", "route_not_found"),
    "absolute_path_rejected": Reply(404, "", "absolute_path_rejected"),
    "cluster_not_found": Reply(503, "NC", "cluster_not_found"),
    "cluster_not_found_404": Reply(404, "NC", "cluster_not_found"),
    "cluster_not_found_500": Reply(500, "NC", "cluster_not_found"),
    "no_healthy_upstream": Reply(503, "UH", "no_healthy_upstream", "no healthy upstream"),
    # upstream failures
    "connection_timeout": Reply(503, "UF", f"{_BEFORE}{{connection_timeout}}", f"{_RESET}connection timeout"),
    "connection_failure": Reply(503, "UF", f"{_BEFORE}{{remote_connection_failure|delayed_connect_error:_Connection_refused}}",
                                f"{_RESET}remote connection failure"),
    "tls_failure": Reply(503, "UF", f"{_BEFORE}{{remote_connection_failure}}", f"{_RESET}remote connection failure"),
    "connection_termination": Reply(503, "UC", f"{_BEFORE}{{connection_termination}}", f"{_RESET}connection termination"),
    "protocol_error": Reply(502, "UPE", f"{_BEFORE}{{protocol_error}}", f"{_RESET}protocol error"),
    "overflow": Reply(503, "UO", f"{_BEFORE}{{overflow}}", f"{_RESET}overflow", headers=(("x-envoy-overloaded", "true"),)),
    # timers
    "response_timeout": Reply(504, "UT", "response_timeout", "upstream request timeout"),
    "upstream_per_try_timeout": Reply(504, "UT", "upstream_per_try_timeout", "upstream request timeout"),
    "upstream_per_try_idle_timeout": Reply(504, "UT", "upstream_per_try_idle_timeout", "upstream request timeout"),
    "stream_idle_timeout": Reply(504, "SI", "stream_idle_timeout", "stream timeout"),
    "stream_idle_timeout_request": Reply(408, "SI", "stream_idle_timeout", "stream timeout", close=True),
    "max_duration_timeout": Reply(504, "", "max_duration_timeout", "downstream duration timeout", grpc_status="4"),
    "max_duration_timeout_request": Reply(408, "", "max_duration_timeout", "downstream duration timeout", close=True, grpc_status="4"),
    "request_header_timeout": Reply(408, "", "request_header_timeout", "request header timeout", close=True),
    "request_overall_timeout": Reply(408, "", "request_overall_timeout", "request timeout", close=True),
    # filters
    "fault_filter_abort": Reply(503, "FI", "fault_filter_abort", "fault filter abort"),
    "local_rate_limited": Reply(429, "RL", "local_rate_limited", "local_rate_limited"),
    # what clients send
    "http1.codec_error": Reply(400, "DPE", "http1.codec_error", "Bad Request", close=True),
    "http1.invalid_characters": Reply(400, "DPE", "http1.invalid_characters", "Bad Request", close=True),
    "http1.unexpected_underscore": Reply(400, "DPE", "http1.unexpected_underscore", "Bad Request", close=True),
    "http1.invalid_url": Reply(400, "DPE", "http1.invalid_url", "Bad Request", close=True),
    "http1.invalid_scheme": Reply(400, "DPE", "http1.invalid_scheme", "Bad Request", close=True),
    "http.invalid_authority": Reply(400, "DPE", "http.invalid_authority", "Bad Request", close=True),
    "http1.content_length_and_chunked_not_allowed": Reply(400, "DPE", "http1.content_length_and_chunked_not_allowed", "Bad Request", close=True),
    "http1.connection_header_rejected": Reply(400, "DPE", "http1.connection_header_rejected", "Bad Request", close=True),
    "http1.invalid_transfer_encoding": Reply(501, "DPE", "http1.invalid_transfer_encoding", "Not Implemented", close=True),
    "http1.headers_too_large": Reply(431, "DPE", "http1.headers_too_large", "Request Header Fields Too Large", close=True),
    "http1.too_many_headers": Reply(431, "DPE", "http1.too_many_headers", "Request Header Fields Too Large", close=True),
    "low_version": Reply(426, "DPE", "low_version", "Upgrade Required", close=True),
    "missing_host_header": Reply(400, "", "missing_host_header", close=True),
    "path_normalization_failed": Reply(400, "", "path_normalization_failed", close=True),
    "upgrade_failed": Reply(403, "", "upgrade_failed", close=True),
    "request_payload_too_large": Reply(413, "", "request_payload_too_large", "Payload Too Large", close=True),
    # endings without an answer
    "downstream_remote_disconnect": Reply(0, "DC", "downstream_remote_disconnect", close=True),
    # our own faults
    "internal_error": Reply(500, "", "internal_error", "Internal Server Error", close=True),
}


def retried(reply: Reply) -> Reply:
    """Give the form that a failure takes when the request had been tried before."""
    return attrs.evolve(reply, body=_RETRIED + reply.body[len(_RESET):]) if reply.body.startswith(_RESET) else reply


def cluster_not_found(status: int) -> Reply:
    """Give the answer where a route's cluster is not there, with the status that the route asks for."""
    return REPLIES["cluster_not_found" if status == 503 else f"cluster_not_found_{status}"]


def hidden(reply: Reply) -> Reply:
    """Give the form that a timeout takes whose client wants to see none."""
    return attrs.evolve(reply, status=204, body="")
