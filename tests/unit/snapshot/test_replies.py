"""Answers of our own, held to what a real Envoy 1.40 answers, byte counts included."""

import pytest

from meshd.snapshot.replies import REPLIES, Reply, cluster_not_found, retried

RESET = "upstream_reset_before_response_started"
REFUSED = f"{RESET}{{remote_connection_failure|delayed_connect_error:_Connection_refused}}"

ROWS = [
    ("connection_timeout", 503, "UF", f"{RESET}{{connection_timeout}}", 91, False),
    ("connection_failure", 503, "UF", REFUSED, 98, False),
    ("tls_failure", 503, "UF", f"{RESET}{{remote_connection_failure}}", 98, False),
    ("connection_termination", 503, "UC", f"{RESET}{{connection_termination}}", 95, False),
    ("protocol_error", 502, "UPE", f"{RESET}{{protocol_error}}", 87, False),
    ("overflow", 503, "UO", f"{RESET}{{overflow}}", 81, False),
    ("no_healthy_upstream", 503, "UH", "no_healthy_upstream", 19, False),
    ("cluster_not_found", 503, "NC", "cluster_not_found", 0, False),
    ("cluster_not_found_404", 404, "NC", "cluster_not_found", 0, False),
    ("cluster_not_found_500", 500, "NC", "cluster_not_found", 0, False),
    ("route_not_found", 404, "NR", "route_not_found", 0, False),
    ("absolute_path_rejected", 404, "", "absolute_path_rejected", 0, False),
    ("response_timeout", 504, "UT", "response_timeout", 24, False),
    ("upstream_per_try_timeout", 504, "UT", "upstream_per_try_timeout", 24, False),
    ("upstream_per_try_idle_timeout", 504, "UT", "upstream_per_try_idle_timeout", 24, False),
    ("stream_idle_timeout", 504, "SI", "stream_idle_timeout", 14, False),
    ("stream_idle_timeout_request", 408, "SI", "stream_idle_timeout", 14, True),
    ("max_duration_timeout", 504, "", "max_duration_timeout", 27, False),
    ("max_duration_timeout_request", 408, "", "max_duration_timeout", 27, True),
    ("fault_filter_abort", 503, "FI", "fault_filter_abort", 18, False),
    ("local_rate_limited", 429, "RL", "local_rate_limited", 18, False),
    ("request_header_timeout", 408, "", "request_header_timeout", 22, True),
    ("request_overall_timeout", 408, "", "request_overall_timeout", 15, True),
    ("http1.codec_error", 400, "DPE", "http1.codec_error", 11, True),
    ("http1.invalid_characters", 400, "DPE", "http1.invalid_characters", 11, True),
    ("http1.unexpected_underscore", 400, "DPE", "http1.unexpected_underscore", 11, True),
    ("http1.invalid_url", 400, "DPE", "http1.invalid_url", 11, True),
    ("http1.invalid_scheme", 400, "DPE", "http1.invalid_scheme", 11, True),
    ("http.invalid_authority", 400, "DPE", "http.invalid_authority", 11, True),
    ("http1.content_length_and_chunked_not_allowed", 400, "DPE", "http1.content_length_and_chunked_not_allowed", 11, True),
    ("http1.connection_header_rejected", 400, "DPE", "http1.connection_header_rejected", 11, True),
    ("http1.invalid_transfer_encoding", 501, "DPE", "http1.invalid_transfer_encoding", 15, True),
    ("http1.headers_too_large", 431, "DPE", "http1.headers_too_large", 31, True),
    ("http1.too_many_headers", 431, "DPE", "http1.too_many_headers", 31, True),
    ("low_version", 426, "DPE", "low_version", 16, True),
    ("missing_host_header", 400, "", "missing_host_header", 0, True),
    ("path_normalization_failed", 400, "", "path_normalization_failed", 0, True),
    ("upgrade_failed", 403, "", "upgrade_failed", 0, True),
    ("request_payload_too_large", 413, "", "request_payload_too_large", 17, True),
    ("downstream_remote_disconnect", 0, "DC", "downstream_remote_disconnect", 0, True),
]
"""Reason, status, flags, details, bytes of the body, whether the connection is closed."""


@pytest.mark.parametrize(("reason", "status", "flags", "details", "size", "close"), ROWS, ids=[row[0] for row in ROWS])
def test_rows(reason, status, flags, details, size, close):
    """Each reason has Envoy's status, flags, details and as many bytes."""
    reply = REPLIES[reason]
    assert (status, flags, details, size, close) == (reply.status, reply.flags, reply.details, len(reply.body), reply.close)


@pytest.mark.parametrize(("reason", "body"), [
    ("connection_timeout", "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"),
    ("connection_failure", "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"),
    ("protocol_error", "upstream connect error or disconnect/reset before headers. reset reason: protocol error"),
    ("no_healthy_upstream", "no healthy upstream"),
    ("response_timeout", "upstream request timeout"),
    ("max_duration_timeout", "downstream duration timeout"),
    ("request_overall_timeout", "request timeout"),
    ("http1.codec_error", "Bad Request"),
    ("http1.headers_too_large", "Request Header Fields Too Large"),
    ("request_payload_too_large", "Payload Too Large"),
])
def test_texts(reason, body):
    """Bodies are verbatim."""
    assert body == REPLIES[reason].body


@pytest.mark.parametrize(("reason", "flags", "size"), [
    ("connection_timeout", "UF", 114), ("connection_failure", "UF", 121), ("connection_termination", "UC", 118),
    ("upstream_per_try_timeout", "UT", 24),
])
def test_after_retries(reason, flags, size):
    """A failure after retries says so: 23 bytes more where the text names a reset."""
    reply = retried(REPLIES[reason])
    assert (flags, size) == (reply.flags, len(reply.body))
    assert (REPLIES[reason].status, REPLIES[reason].details) == (reply.status, reply.details)


def test_the_text_after_retries():
    """Verbatim."""
    expected = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure"
    assert expected == retried(REPLIES["connection_failure"]).body


def test_an_overflow_says_so_in_a_header():
    """It is the only reply of the table with a header of its own."""
    assert {"overflow": (("x-envoy-overloaded", "true"),)} == {reason: reply.headers for reason, reply in REPLIES.items() if reply.headers}


def test_what_can_be_answered_is_answerable():
    """Every reply has a status of three digits and an ASCII body; without a status it is an end without an answer, hence closed and bodiless."""
    wrong = {
        reason for reason, reply in REPLIES.items()
        if not (400 <= reply.status <= 599 or (reply.status == 0 and reply.close and not reply.body)) or not reply.body.isascii() or not reply.details
    }
    assert set() == wrong
    assert {"internal_error"} == set(REPLIES) - {row[0] for row in ROWS}
    assert Reply(500, "", "internal_error", "Internal Server Error", close=True) == REPLIES["internal_error"]


def test_a_route_says_how_an_absent_cluster_is_answered():
    """With one of Envoy's three statuses."""
    assert [503, 404, 500] == [cluster_not_found(status).status for status in (503, 404, 500)]
