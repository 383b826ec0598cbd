"""Tests of request headers where clients are told apart."""

import pytest

from meshd.base.addresses import format_address
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.headers.requests import ONLY_INTERNAL, RequestHeaders
from meshd.tables.headers.trust import NOT_FROM_OUTSIDE, EdgeHeaders, ForwardedHeaders, build_requests
from meshd.tables.interfaces import BuildError
from tests.helpers.exchanges import PlainConnection, PlainExchange

ID = b"00000000-0000-4000-8000-000000000000"
OWN = "192.0.2.1"
PROTO, NEW_ID, INTERNAL = (b"x-forwarded-proto", b"http"), (b"x-request-id", ID), (b"x-envoy-internal", b"true")
INSIDE = ("10.0.0.0/8", "127.0.0.0/8")


def forwarded(value):
    """Give the line of `x-forwarded-for`."""
    return (b"x-forwarded-for", value)


def external(address):
    """Give the line of `x-envoy-external-address`."""
    return (b"x-envoy-external-address", address)


def prepare(pairs, peer="10.0.0.9", authority=b"a.test", method=b"GET", **settings):
    """Give the request, prepared, and the client's address."""
    request = PlainExchange(headers=tuple(pairs), authority=authority, method=method).request
    connection = PlainConnection()
    connection.source_address = peer
    headers = build_requests(HttpConnectionManager("test", **settings), RequestIds(bytes), OWN)
    return request, headers.prepare(request, format_address(peer, 4000), connection)


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, RequestHeaders), ({"generate_request_id": False}, RequestHeaders), ({"forward_client_cert_details": "APPEND_FORWARD"}, RequestHeaders),
    ({"xff_num_trusted_hops": 1}, ForwardedHeaders), ({"internal_ranges": INSIDE}, ForwardedHeaders), ({"via": "a"}, ForwardedHeaders),
    ({"strip_host_port": "any"}, ForwardedHeaders), ({"strip_trailing_host_dot": True}, ForwardedHeaders),
    ({"forward_client_cert_details": "ALWAYS_FORWARD_ONLY"}, ForwardedHeaders), ({"use_remote_address": True}, EdgeHeaders),
])
def test_what_is_not_asked_for_costs_nothing(settings, expected):
    """Plain sidecars get the plain one."""
    assert expected is type(build_requests(HttpConnectionManager("test", **settings), None, OWN))


@pytest.mark.parametrize(("settings", "peer", "given", "expected", "address"), [
    ({}, "1.2.3.4", [], [forwarded(b"1.2.3.4"), PROTO, external(b"1.2.3.4"), NEW_ID], "1.2.3.4:4000"),
    ({}, "127.0.0.1", [], [forwarded(b"192.0.2.1"), PROTO, external(b"127.0.0.1"), NEW_ID], "127.0.0.1:4000"),
    ({}, "::1", [], [forwarded(b"192.0.2.1"), PROTO, external(b"::1"), NEW_ID], "[::1]:4000"),
    ({}, "1.2.3.4", [forwarded(b"9.9.9.9"), forwarded(b"8.8.8.8")], [forwarded(b"9.9.9.9,8.8.8.8,1.2.3.4"), PROTO, external(b"1.2.3.4"), NEW_ID],
     "1.2.3.4:4000"),
    ({}, "1.2.3.4", [(b"x-forwarded-proto", b"https"), external(b"5.5.5.5"), (b"x-request-id", b"mine")],
     [PROTO, external(b"1.2.3.4"), NEW_ID, forwarded(b"1.2.3.4")], "1.2.3.4:4000"),
    ({"xff_num_trusted_hops": 1}, "1.2.3.4", [forwarded(b"9.9.9.9"), (b"x-forwarded-proto", b"https")],
     [forwarded(b"9.9.9.9,1.2.3.4"), (b"x-forwarded-proto", b"https"), external(b"9.9.9.9"), NEW_ID], "9.9.9.9:0"),
    ({"xff_num_trusted_hops": 2}, "1.2.3.4", [forwarded(b"9.9.9.9")], [forwarded(b"9.9.9.9,1.2.3.4"), PROTO, external(b"1.2.3.4"), NEW_ID],
     "1.2.3.4:4000"),
    ({"skip_xff_append": True}, "1.2.3.4", [], [PROTO, external(b"1.2.3.4"), NEW_ID], "1.2.3.4:4000"),
    ({"preserve_external_request_id": True}, "1.2.3.4", [(b"x-request-id", b"mine")],
     [(b"x-request-id", b"mine"), forwarded(b"1.2.3.4"), PROTO, external(b"1.2.3.4")], "1.2.3.4:4000"),
    ({"preserve_external_request_id": True}, "1.2.3.4", [], [forwarded(b"1.2.3.4"), PROTO, external(b"1.2.3.4"), NEW_ID], "1.2.3.4:4000"),
    ({"generate_request_id": False}, "1.2.3.4", [(b"x-request-id", b"mine")],
     [(b"x-request-id", b"mine"), forwarded(b"1.2.3.4"), PROTO, external(b"1.2.3.4")], "1.2.3.4:4000"),
    ({"internal_ranges": INSIDE}, "10.1.1.1", [], [forwarded(b"10.1.1.1"), PROTO, INTERNAL, NEW_ID], "10.1.1.1:4000"),
    ({"internal_ranges": INSIDE}, "10.1.1.1", [(b"x-request-id", b"mine"), external(b"5.5.5.5")],
     [(b"x-request-id", b"mine"), external(b"5.5.5.5"), forwarded(b"10.1.1.1"), PROTO, INTERNAL], "10.1.1.1:4000"),
    ({"internal_ranges": INSIDE}, "10.1.1.1", [forwarded(b"10.2.2.2"), INTERNAL],
     [forwarded(b"10.2.2.2,10.1.1.1"), PROTO, external(b"10.1.1.1"), NEW_ID], "10.1.1.1:4000"),
    ({"via": "1.1 mesh"}, "1.2.3.4", [], [forwarded(b"1.2.3.4"), PROTO, (b"via", b"1.1 mesh"), external(b"1.2.3.4"), NEW_ID], "1.2.3.4:4000"),
])
def test_edges(settings, peer, given, expected, address):
    """The peer is the client; nothing that it says of itself is believed, unless a trusted proxy does."""
    request, client = prepare(given, peer, use_remote_address=True, **settings)
    assert (expected, address) == (request.headers.pairs, client)


@pytest.mark.parametrize(("settings", "given", "expected", "address"), [
    ({"internal_ranges": INSIDE}, [], [PROTO, NEW_ID], "10.0.0.9:4000"),
    ({"internal_ranges": INSIDE}, [forwarded(b"10.0.0.1")], [forwarded(b"10.0.0.1"), PROTO, INTERNAL, NEW_ID], "10.0.0.1:0"),
    ({"internal_ranges": INSIDE}, [forwarded(b"10.0.0.1"), forwarded(b"10.0.0.2")], [forwarded(b"10.0.0.1,10.0.0.2"), PROTO, NEW_ID], "10.0.0.2:0"),
    ({"internal_ranges": INSIDE}, [forwarded(b"9.9.9.9")], [forwarded(b"9.9.9.9"), PROTO, NEW_ID], "9.9.9.9:0"),
    ({"internal_ranges": INSIDE, "xff_num_trusted_hops": 1}, [forwarded(b"10.0.0.1,10.0.0.2")], [forwarded(b"10.0.0.1,10.0.0.2"), PROTO, NEW_ID],
     "10.0.0.1:0"),
    ({"xff_num_trusted_hops": 1}, [forwarded(b"10.0.0.1")], [forwarded(b"10.0.0.1"), PROTO, NEW_ID], "10.0.0.9:4000"),
    ({"via": "1.1 mesh"}, [(b"via", b"1.0 a")], [(b"via", b"1.0 a, 1.1 mesh"), PROTO, NEW_ID], "10.0.0.9:4000"),
])
def test_sidecars(settings, given, expected, address):
    """A client is internal when it alone stands in `x-forwarded-for`, as an internal address."""
    request, client = prepare(given, **settings)
    assert (expected, address) == (request.headers.pairs, client)


@pytest.mark.parametrize(("settings", "peer", "removed"), [
    ({"use_remote_address": True}, "1.2.3.4", NOT_FROM_OUTSIDE), ({"internal_ranges": INSIDE}, "10.0.0.1", ONLY_INTERNAL),
    ({"internal_ranges": INSIDE, "use_remote_address": True}, "10.0.0.1", frozenset()),
    ({"internal_ranges": INSIDE, "use_remote_address": True}, "1.2.3.4", NOT_FROM_OUTSIDE),
])
def test_what_clients_may_say(settings, peer, removed):
    """An internal client everything; an external one at an edge least."""
    request, _client = prepare([(name, b"1") for name in sorted(NOT_FROM_OUTSIDE)], peer, **settings)
    assert removed == NOT_FROM_OUTSIDE.difference(request.headers.first)


@pytest.mark.parametrize(("details", "edge", "stays"), [
    ("SANITIZE", False, False), ("FORWARD_ONLY", False, False), ("APPEND_FORWARD", False, False), ("SANITIZE_SET", False, False),
    ("ALWAYS_FORWARD_ONLY", False, True), ("ALWAYS_FORWARD_ONLY", True, True), ("FORWARD_ONLY", True, False),
])
def test_certificates_of_clients_are_believed_over_tls_only(details, edge, stays):
    """Whoever comes in plain text has shown none; one setting forwards the header all the same."""
    request, _client = prepare([(b"x-forwarded-client-cert", b"By=a")], forward_client_cert_details=details, use_remote_address=edge)
    assert stays is (b"x-forwarded-client-cert" in request.headers.first)


@pytest.mark.parametrize(("method", "expected"), [(b"GET", b"a.test"), (b"CONNECT", b"a.test.:80")])
def test_authorities_are_shortened(method, expected):
    """But CONNECT's, which is a place with its port."""
    request, _client = prepare((), authority=b"a.test.:80", method=method, strip_host_port="matching", strip_trailing_host_dot=True)
    assert expected == request.authority


@pytest.mark.parametrize("settings", [{"via": "a\r\nx-evil: 1"}, {"internal_ranges": ("10.0.0.0/x",)}])
def test_bad_settings_cannot_be_built(settings):
    """At an edge and elsewhere."""
    for edge in (False, True):
        with pytest.raises(BuildError):
            build_requests(HttpConnectionManager("test", use_remote_address=edge, **settings), None, OWN)
