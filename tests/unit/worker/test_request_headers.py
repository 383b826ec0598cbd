"""Tests of what a connection manager does to request headers."""

import pytest

from meshd.codec.headers import Headers
from meshd.worker.request_headers import REMOVED, client_address, prepare_headers
from meshd.worker.request_ids import RequestIds

ID = b"00000000-0000-4000-8000-000000000000"


def prepared(*pairs, ids=True):
    """Give the header lines after preparation."""
    headers = Headers(list(pairs))
    prepare_headers(headers, RequestIds(bytes) if ids else None, b"http")
    return headers.pairs


@pytest.mark.parametrize(("given", "expected"), [
    ((), ((b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"accept", b"*/*"),), ((b"accept", b"*/*"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"x-forwarded-proto", b"ftp"), (b"x-request-id", b"hello")), ((b"x-forwarded-proto", b"ftp"), (b"x-request-id", b"hello"))),
    (((b"x-request-id", b""),), ((b"x-request-id", ID), (b"x-forwarded-proto", b"http"))),
    (((b"x-request-id", b"a"), (b"x-request-id", b"b"), (b"x-forwarded-proto", b"http")),
     ((b"x-request-id", b"a,b"), (b"x-forwarded-proto", b"http"))),
    (((b"x-forwarded-for", b"1.2.3.4"), (b"a", b"b"), (b"x-forwarded-for", b"10.0.0.1")),
     ((b"x-forwarded-for", b"1.2.3.4,10.0.0.1"), (b"a", b"b"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"referer", b"http://b.test/c#d"),), ((b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"referer", b"/c#d"),), ((b"referer", b"/c#d"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
    (((b"x-envoy-original-path", b"/p"), (b"x-envoy-unknown", b"u")),
     ((b"x-envoy-original-path", b"/p"), (b"x-envoy-unknown", b"u"), (b"x-forwarded-proto", b"http"), (b"x-request-id", ID))),
])
def test_prepares(given, expected):
    """What is added, joined, kept and removed, in which order."""
    assert list(expected) == prepared(*given)


@pytest.mark.parametrize("name", sorted(REMOVED))
def test_clients_may_not_say(name):
    """Every header that only an internal client may send is removed, all lines of it."""
    assert [(b"x-forwarded-proto", b"http"), (b"x-request-id", ID)] == prepared((name, b"1"), (name, b"2"))


def test_no_id_where_none_is_wanted():
    """`generate_request_id` off leaves the request without one."""
    assert [(b"x-forwarded-proto", b"http")] == prepared(ids=False)


@pytest.mark.parametrize(("forwarded", "expected"), [
    (None, "10.0.0.9:4000"), (b"1.2.3.4", "1.2.3.4:0"), (b"1.2.3.4, 5.6.7.8", "5.6.7.8:0"), (b"::1", "[::1]:0"),
    (b"junk", "10.0.0.9:4000"), (b"1.2.3.4,", "10.0.0.9:4000"), (b"1.2.3.4:80", "10.0.0.9:4000"), (b"\xff\xfe", "10.0.0.9:4000"),
    (b"fe80::1%eth0", "10.0.0.9:4000"),
])
def test_the_last_forwarded_address_is_believed(forwarded, expected):
    """DOWNSTREAM_REMOTE_ADDRESS is X-Forwarded-For's last address with port 0, the peer's where that is none."""
    headers = Headers([] if forwarded is None else [(b"x-forwarded-for", forwarded)])
    assert expected == client_address(headers, "10.0.0.9:4000")
