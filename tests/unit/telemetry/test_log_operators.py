"""Operators, one by one, against what Envoy 1.40 logs."""

import pytest

from meshd.telemetry.log_operators import CUTTABLE, OPERATORS
from meshd.telemetry.log_values import Surroundings
from tests.helpers.log_samples import connected, http, tcp, unread

HTTP = http(
    ((b"x-a", b"123"), (b"x-empty", b""), (b"x-rep", b"1"), (b"x-rep", b"2"), (b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2"),
     (b"x-forwarded-proto", b"http")),
    completed_at=100.003, duration=0.0201, flags="URX,UF", source="2.2.2.2:0", failure="a b",
    connection=connected("[::1]:8000", "10.0.0.1:5000", server_name="a.test", listener="in", filter_chain="chain-a"),
)
TCP = tcp()
AROUND = Surroundings("vm", {"HOME": "/root"})


@pytest.mark.parametrize(("name", "argument", "of_http", "of_tcp"), [
    ("BYTES_RECEIVED", "", 0, 5),
    ("BYTES_SENT", "", 135, 10),
    ("CONNECTION_TERMINATION_DETAILS", "", None, None),
    ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "", b"10.0.0.1:5000", b"10.0.0.1:5000"),
    ("DOWNSTREAM_DIRECT_REMOTE_PORT", "", 5000, 5000),
    ("DOWNSTREAM_LOCAL_ADDRESS", "", b"[::1]:8000", b"10.9.0.1:8080"),
    ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", "", b"::1", b"10.9.0.1"),
    ("DOWNSTREAM_LOCAL_PORT", "", 8000, 8080),
    ("DOWNSTREAM_REMOTE_ADDRESS", "", b"2.2.2.2:0", b"10.0.0.1:5000"),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "", b"2.2.2.2", b"10.0.0.1"),
    ("DURATION", "", 20, 12),
    ("EMIT_TIME", "%s.%3f", "1606343178.429", "1606343178.421"),
    ("GRPC_STATUS", "", None, None),
    ("HOSTNAME", "", b"vm", b"vm"),
    ("ENVIRONMENT", "HOME", b"/root", b"/root"),
    ("ENVIRONMENT", "NONE", b"-", b"-"),
    ("ACCESS_LOG_TYPE", "", "DownstreamEnd", "TcpConnectionEnd"),
    ("CUSTOM_FLAGS", "", b"", b""),
    ("CONNECTION_ID", "", 7, 7),
    ("DOWNSTREAM_TLS_VERSION", "", None, None),
    ("FILTER_CHAIN_NAME", "", b"chain-a", None),
    ("LISTENER_NAME", "", b"in", None),
    ("STREAM_ID", "", b"84961386-6d84-929d-98bd-c5aee93b5c88", None),
    ("UPSTREAM_HOST_NAME", "", b"10.44.1.27:80", b"10.0.0.2:9000"),
    ("UPSTREAM_HOST_NAME_WITHOUT_PORT", "", b"10.44.1.27", b"10.0.0.2"),
    ("PROTOCOL", "", b"HTTP/1.1", None),
    ("REQ", "X-A", b"123", None),
    ("REQ", "x-empty", b"", None),
    ("REQ", "X-NONE", None, None),
    ("REQ", "X-NONE?X-A", b"123", None),
    ("REQ", "X-EMPTY?X-A", b"", None),
    ("REQ", "X-REP", b"1", None),
    ("REQ", "X-FORWARDED-FOR", b"1.1.1.1,2.2.2.2", None),
    ("REQ", ":METHOD", b"GET", None),
    ("REQ", ":PATH", b"/status/418", None),
    ("REQ", ":AUTHORITY", b"httpbin:8000", None),
    ("REQ", ":SCHEME", b"http", None),
    ("REQ", ":OTHER", None, None),
    ("REQ", "X-ENVOY-ORIGINAL-PATH?:PATH", b"/status/418", None),
    ("REQUESTED_SERVER_NAME", "", b"a.test", None),
    ("REQUEST_DURATION", "", 3, None),
    ("RESP", "CONTENT-LENGTH", b"135", None),
    ("RESP", ":STATUS", b"418", None),
    ("RESPONSE_CODE", "", 418, 0),
    ("RESPONSE_CODE_DETAILS", "", b"via_upstream", None),
    ("RESPONSE_DURATION", "", 7, None),
    ("RESPONSE_FLAGS", "", "URX,UF", "-"),
    ("RESPONSE_FLAGS_LONG", "", "UpstreamRetryLimitExceeded,UpstreamConnectionFailure", "-"),
    ("RESPONSE_TX_DURATION", "", 13, None),
    ("ROUTE_NAME", "", b"default", None),
    ("START_TIME", "", "2020-11-25T22:26:18.409Z", "2020-11-25T22:26:18.409Z"),
    ("TRAILER", "X-T", None, None),
    ("UPSTREAM_CLUSTER", "", b"outbound|8000||httpbin.foo.svc.cluster.local", b"outbound|8080||tcp.test"),
    ("UPSTREAM_HOST", "", b"10.44.1.27:80", b"10.0.0.2:9000"),
    ("UPSTREAM_LOCAL_PORT", "", 37652, 5001),
    ("UPSTREAM_PROTOCOL", "", b"HTTP/1.1", None),
    ("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "", b"10.44.1.27", b"10.0.0.2"),
    ("UPSTREAM_REQUEST_ATTEMPT_COUNT", "", 1, 1),
    ("UPSTREAM_TRANSPORT_FAILURE_REASON", "", b"a_b", None),
    ("VIRTUAL_CLUSTER_NAME", "", None, None),
])
def test_values(name, argument, of_http, of_tcp):
    """None is absent; a stranger's value comes as bytes."""
    get, problem = OPERATORS[name](argument, AROUND)
    assert ("", of_http, of_tcp) == (problem, get(HTTP), get(TCP))


def test_nothing_fails_on_a_request_that_was_not_understood():
    """Every operator has a value for it, if only none."""
    absent = {name for name, build in OPERATORS.items() if build("x" if "RE" in name else "", AROUND)[0](unread()) is None}
    assert {"REQ", "ROUTE_NAME", "UPSTREAM_HOST", "UPSTREAM_REMOTE_PORT", "REQUEST_DURATION"} <= absent


@pytest.mark.parametrize(("name", "argument"), [
    ("BYTES_SENT", "x"), ("PROTOCOL", "x"), ("HOSTNAME", "x"), ("ENVIRONMENT", ""), ("RESPONSE_CODE_DETAILS", "x"), ("START_TIME", "%Q"),
])
def test_wrong_arguments(name, argument):
    """They are told of."""
    assert OPERATORS[name](argument, AROUND)[1]


@pytest.mark.parametrize("name", [
    "UPSTREAM_CONNECTION_ID", "DOWNSTREAM_WIRE_BYTES_SENT", "DYNAMIC_METADATA", "FILTER_STATE", "UPSTREAM_HEADER_BYTES_RECEIVED", "UNIQUE_ID",
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS",
])
def test_what_meshd_cannot_tell(name):
    """It has no value, and whoever asks is told so."""
    get, problem = OPERATORS[name]("a", AROUND)
    assert (None, True) == (get(HTTP), problem.endswith("logged as -"))


def test_only_operators_can_be_cut():
    """The list names no others."""
    assert frozenset(OPERATORS) >= CUTTABLE


def test_nothing_remote_without_a_connection():
    """A host that refused was tried, but there is no address that a connection was made to."""
    refused = http(upstream_local="")
    names = ("UPSTREAM_HOST", "UPSTREAM_REMOTE_ADDRESS", "UPSTREAM_REMOTE_PORT", "UPSTREAM_PROTOCOL")
    assert [b"10.44.1.27:80", None, None, None] == [OPERATORS[name]("", AROUND)[0](refused) for name in names]


def test_bytes_on_the_wire_of_tcp():
    """Are those of the connection both ways; of HTTP nobody counts them, which is told."""
    names = [f"{side}_WIRE_BYTES_{way}" for side in ("DOWNSTREAM", "UPSTREAM") for way in ("RECEIVED", "SENT")]
    assert [5, 10, 10, 5] == [OPERATORS[name]("", AROUND)[0](TCP) for name in names]
    assert [None] * 4 == [OPERATORS[name]("", AROUND)[0](HTTP) for name in names]
    assert 0 == OPERATORS["DOWNSTREAM_HEADER_BYTES_SENT"]("", AROUND)[0](TCP)
