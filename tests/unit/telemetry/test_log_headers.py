"""Operators of heads, one by one, against what Envoy 1.40 logs."""

from types import SimpleNamespace

import pytest

from meshd.codec.headers import Headers
from meshd.telemetry.log_headers import HEADER_OPERATORS
from meshd.telemetry.log_values import Surroundings
from tests.helpers.log_samples import http, tcp, witnessed

GRPC = ((b"content-type", b"application/grpc"),)
QUERY = http(((b"x-envoy-original-path", b"/first?o=1"), (b"x-envoy-original-host", b"o.test")), path=b"/a/path?q=1&a=5&b&a=6")


def value(name, argument, logged):
    """Give what an operator gets, without a problem."""
    get, problem = HEADER_OPERATORS[name](argument, Surroundings())
    assert "" == problem
    return get(logged)


@pytest.mark.parametrize(("argument", "status", "expected"), [
    ("", b"14", "Unavailable"), ("CAMEL_STRING", b"0", "OK"), ("SNAKE_STRING", b"14", "UNAVAILABLE"), ("NUMBER", b"14", 14), ("", b"99", "99"),
    ("", b"x", None), ("", b"9" * 5000, None),
])
def test_grpc_status(argument, status, expected):
    """Known ones have names."""
    response = SimpleNamespace(status=200, headers=Headers([(b"grpc-status", status)]))
    assert expected == value("GRPC_STATUS", argument, http(GRPC, response=response))


def test_trailers():
    """The first of a name, its bytes, and the status of gRPC, which comes in a trailer before it comes in the head."""
    response = SimpleNamespace(status=200, headers=Headers([(b"grpc-status", b"0")]))
    logged = http(GRPC, response=response, response_trailers=[(b"x-t", b"1"), (b"grpc-status", b"14"), (b"x-t", b"2")])
    asked = (("TRAILER", "X-T"), ("RESPONSE_TRAILER", "x-none?x-t"), ("TRAILER", "none"), ("RESPONSE_TRAILERS_BYTES", ""), ("GRPC_STATUS", ""))
    assert [b"1", b"1", None, 21, "Unavailable"] == [value(*one, logged) for one in asked]


def test_only_grpc_has_a_grpc_status():
    """The request's content type tells."""
    response = SimpleNamespace(status=200, headers=Headers([(b"grpc-status", b"14")]))
    assert (14, None) == tuple(value("GRPC_STATUS_NUMBER", "", http(headers, response=response)) for headers in (GRPC, ()))


@pytest.mark.parametrize(("name", "argument", "expected"), [
    ("PATH", "", b"/first?o=1"), ("PATH", "NQ", b"/first"), ("PATH", "WQ:PATH", b"/a/path?q=1&a=5&b&a=6"), ("PATH", "NQ:PATH", b"/a/path"),
    ("PATH", "NQ:ORIG", b"/first"), ("QUERY_PARAM", "a", b"5"), ("QUERY_PARAM", "b", b""), ("QUERY_PARAM", "c", None),
    ("QUERY_PARAMS", "", b"q=1&a=5&b&a=6"), ("REQ_WITHOUT_QUERY", ":PATH", b"/a/path"),
    ("REQ_WITHOUT_QUERY", "X-ENVOY-ORIGINAL-PATH?:PATH", b"/first"),
    ("REQ_WITHOUT_QUERY", "NONE", None), ("REQUESTED_SERVER_NAME", "", None), ("REQUESTED_SERVER_NAME", "SNI_ONLY", None),
    ("REQUESTED_SERVER_NAME", "SNI_FIRST", b"o.test"), ("REQUESTED_SERVER_NAME", "SNI_FIRST:HOST", b"httpbin:8000"),
    ("REQUESTED_SERVER_NAME", "HOST_FIRST:ORIG", b"o.test"),
    ("REQUESTED_SERVER_NAME", "HOST_FIRST:ORIG_OR_HOST", b"o.test"), ("STREAM_INFO_REQ", "user-agent", b"curl/7.73.0-DEV"), ("TRACE_ID", "", None),
    ("RESPONSE_TRAILERS_BYTES", "", 0), ("REQUEST_HEADER", "User-Agent", b"curl/7.73.0-DEV"), ("RESPONSE_HEADER", "content-length", b"135"),
])
def test_paths_queries_names(name, argument, expected):
    """As Envoy, which takes the original path and host from their headers."""
    assert expected == value(name, argument, QUERY)


def test_a_server_name_comes_before_or_behind_the_host():
    """As it is asked for."""
    connection = SimpleNamespace(destination="1.2.3.4:5", source="1.2.3.4:6", server_name="s.test", listener="", filter_chain="")
    logged = http(connection=connection)
    assert [b"s.test", b"httpbin:8000"] == [value("REQUESTED_SERVER_NAME", order, logged) for order in ("SNI_FIRST", "HOST_FIRST")]
    assert b"s.test" == value("REQUESTED_SERVER_NAME", "HOST_FIRST", tcp(connection=connection))


def test_sizes_of_headers():
    """Names and values, pseudo-headers among them; nothing of what was not understood."""
    samples = witnessed()
    assert {"POST": 166, "bad": 0, "tcp": 0} == {
        name: value("REQUEST_HEADERS_BYTES", "", samples[name]) for name in ("POST", "bad", "tcp")}
    assert (10 + 14 + 1 + 4 + 1, 0) == tuple(value("RESPONSE_HEADERS_BYTES", "", samples[name]) for name in ("POST", "tcp"))


@pytest.mark.parametrize(("name", "argument"), [
    ("REQ", ""), ("REQ", "a?b?c"), ("GRPC_STATUS", "x"), ("PATH", "x"), ("PATH", "WQ:x"), ("REQUESTED_SERVER_NAME", "HOST_ONLY"),
    ("REQUESTED_SERVER_NAME", "SNI_FIRST:x"), ("QUERY_PARAM", ""), ("QUERY_PARAMS", "x"),
])
def test_wrong_arguments(name, argument):
    """They are told of."""
    assert HEADER_OPERATORS[name](argument, Surroundings())[1].startswith("expected ")
