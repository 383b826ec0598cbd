"""Tests of what a sidecar does to request headers."""

import pytest

from meshd.codec.headers import Headers
from meshd.tables.headers.request_ids import RequestIds
from meshd.tables.headers.requests import REMOVED, SINGLE, RequestHeaders, check_referer
from tests.helpers.exchanges import PlainConnection, PlainExchange

ID = b"00000000-0000-4000-8000-000000000000"
PEER = "10.0.0.9:4000"


def prepared(*pairs, ids=True):
    """Give the header lines after preparation, and the client's address."""
    request = PlainExchange(headers=pairs).request
    address = RequestHeaders(RequestIds(bytes) if ids else None).prepare(request, PEER, PlainConnection())
    return request.headers.pairs, address


@pytest.mark.parametrize(("given", "expected"), [
    ((), ((b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"accept", b"*/*"),), ((b"accept", b"*/*"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"x-forwarded-proto", b"ftp"), (b"x-request-id", b"hello")), ((b"x-forwarded-proto", b"ftp"), (b"x-request-id", b"hello"))),
    (((b"x-request-id", b""),), ((b"x-request-id", ID), (b"x-forwarded-proto", b"http"))),
    (((b"x-request-id", b"a"), (b"x-request-id", b"b"), (b"x-forwarded-proto", b"http")),
     ((b"x-request-id", b"a,b"), (b"x-forwarded-proto", b"http"))),
    (((b"x-forwarded-for", b"1.2.3.4"), (b"a", b"b"), (b"x-forwarded-for", b"10.0.0.1")),
     ((b"x-forwarded-for", b"1.2.3.4,10.0.0.1"), (b"a", b"b"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"user-agent", b"a"), (b"x-a", b"1"), (b"user-agent", b"b"), (b"x-a", b"2")),
     ((b"user-agent", b"a,b"), (b"x-a", b"1"), (b"x-a", b"2"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"referer", b"http://b.test/c#d"),), ((b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"x-envoy-original-path", b"/p"), (b"x-envoy-unknown", b"u")),
     ((b"x-envoy-original-path", b"/p"), (b"x-envoy-unknown", b"u"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
])
def test_prepares(given, expected):
    """What is added, joined, kept and removed, in which order."""
    assert (list(expected), PEER if b"x-forwarded-for" not in dict(given) else "10.0.0.1:0") == prepared(*given)


@pytest.mark.parametrize("name", sorted(REMOVED))
def test_clients_may_not_say(name):
    """Every header that only an internal client may send is removed, all lines of it."""
    assert ([(b"x-forwarded-proto", b"http"), (b"x-request-id", ID)], PEER) == prepared((name, b"1"), (name, b"2"))


@pytest.mark.parametrize("name", sorted(SINGLE - REMOVED))
def test_repeated_lines_are_joined(name):
    """Upstreams read the same in them, whichever line they look at."""
    pairs, _address = prepared((name, b"1"), (b"x-other", b"0"), (name, b"2"))
    assert [(name, b"1,2"), (b"x-other", b"0")] == pairs[:2]


def test_no_id_where_none_is_wanted():
    """`generate_request_id` off leaves the request without one."""
    assert [(b"x-forwarded-proto", b"http")] == prepared(ids=False)[0]


@pytest.mark.parametrize(("forwarded", "expected"), [
    (b"1.2.3.4", "1.2.3.4:0"), (b"1.2.3.4, 5.6.7.8", "5.6.7.8:0"), (b"::1", "[::1]:0"), (b"junk", PEER), (b"1.2.3.4,", PEER), (b"1.2.3.4:80", PEER),
])
def test_the_last_forwarded_address_is_believed(forwarded, expected):
    """DOWNSTREAM_REMOTE_ADDRESS is X-Forwarded-For's last address with port 0, the peer's where that is none."""
    assert expected == prepared((b"x-forwarded-for", forwarded))[1]


@pytest.mark.parametrize(("values", "stays"), [
    ((b"http://b.test/c",), True), ((b"https://b.test/",), True), ((b"/c",), True), ((b"/c#d",), True), ((b"junk",), True),
    ((b"http://b.test/c#d",), False), ((b"https://b.test#d",), False), ((b"http://me:secret@b.test/",), False), ((b"http://b.test/@c",), True),
    ((b"http://b.test/", b"http://c.test/"), False),
])
def test_referers_that_tell_too_much_are_dropped(values, stays):
    """A fragment or a user of an absolute address is nobody else's business; two addresses are none."""
    headers = Headers([(b"referer", value) for value in values])
    check_referer(headers)
    assert stays is (headers.get(b"referer") is not None)
