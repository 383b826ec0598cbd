"""What requests are hashed by."""

import pytest

from meshd.base.xxhash64 import xxhash64
from meshd.codec.headers import Headers
from meshd.codec.local_reply import begin_reply
from meshd.snapshot.route import HashPolicy
from meshd.tables.balancers.draw import NO_HASH
from meshd.tables.hash_policies import COOKIES, build_hash, find_cookie, tell_cookies
from meshd.tables.interfaces import BuildError
from tests.helpers.exchanges import PlainExchange
from tests.helpers.worker_rig import downstream

HEADER = HashPolicy("header", "x-user")
QUERY = HashPolicy("query_parameter", "user")
SOURCE = HashPolicy("source_ip")
SESSION = HashPolicy("cookie", "sid", cookie_ttl=0.0)
A, B = xxhash64(b"a"), xxhash64(b"b")


def asking(path=b"/", source="10.0.0.9:4000", **headers):
    """Give an exchange."""
    exchange = PlainExchange(path, headers=tuple((name.replace("_", "-").encode(), value) for name, value in headers.items()))
    exchange.source, exchange.details, exchange.connection = source, "", downstream()
    return exchange


def hashed(exchange, *policies):
    """Give its hash."""
    return build_hash(policies)(exchange)


def test_no_policies_are_nothing_to_call():
    """What is not configured costs nothing."""
    assert (None, None) == (build_hash(()), tell_cookies((HEADER,), None))


@pytest.mark.parametrize(
    ("policy", "exchange", "expected"),
    [
        (HEADER, asking(x_user=b"a"), A), (HEADER, asking(), NO_HASH), (HEADER, asking(x_user=b""), xxhash64(b"")),
        (HashPolicy("header", ":path"), asking(b"a"), A),
        (QUERY, asking(b"/?user=a&user=b"), A), (QUERY, asking(b"/?other=a"), NO_HASH), (QUERY, asking(b"/?user"), xxhash64(b"")),
        (SOURCE, asking(), xxhash64(b"10.0.0.9")), (SOURCE, asking(source="[FD00:0::9]:1"), xxhash64(b"fd00::9")),
        (SOURCE, asking(source=""), NO_HASH),
        (HashPolicy("cookie", "sid"), asking(cookie=b"x=1; sid=a"), A), (HashPolicy("cookie", "sid"), asking(), NO_HASH),
        (SESSION, asking(cookie=b"sid=a"), A),
    ],
)
def test_what_is_hashed(policy, exchange, expected):
    """Its own part of a request only."""
    assert expected == hashed(exchange, policy)
    assert None is exchange.notes


def test_lines_of_a_header_are_hashed_in_their_order_by_value():
    """One after the other."""
    both = [PlainExchange(headers=lines) for lines in (((b"x-user", b"b"), (b"x-user", b"a")), ((b"x-user", b"a"), (b"x-user", b"b")))]
    assert {xxhash64(b"b", A)} == {hashed(exchange, HEADER) for exchange in both}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((HEADER, QUERY), ((A << 1 | A >> 63) & 2**64 - 1) ^ B), ((QUERY, HEADER), ((B << 1 | B >> 63) & 2**64 - 1) ^ A),
        ((HashPolicy("header", "x-user", terminal=True), QUERY), A), ((HashPolicy("header", "x-none", terminal=True), QUERY), B),
        ((HEADER, HashPolicy("header", "x-none")), A), ((HashPolicy("header", "x-none"), HashPolicy("header", "x-none")), NO_HASH),
    ],
)
def test_several_policies(policies, expected):
    """Earlier ones are rotated; a terminal one ends it if there is a hash."""
    assert expected == hashed(asking(b"/?user=b", x_user=b"a"), *policies)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), b""), ((b"sid",), b""), ((b"sid=",), b""), ((b"a=1;sid=2; sid=3",), b"2"), ((b"a=1", b"  sid=x=y"), b"x=y"), ((b'sid="q"',), b"q"),
        ((b'sid="',), b'"'), ((b"SID=1",), b""),
    ],
)
def test_cookies_are_found(lines, expected):
    """By name; the first counts, quotes around its value do not."""
    assert expected == find_cookie(Headers([(b"cookie", line) for line in lines]), b"sid")


@pytest.mark.parametrize(
    ("ttl", "path", "rest"), [(0.0, "", ""), (3600.5, "", "; Max-Age=3600"), (0.0, "/app", "; Path=/app"), (7.0, "/", "; Max-Age=7; Path=/")],
)
def test_cookies_are_made(ttl, path, rest):
    """Where there is none, from both ends of the connection; the client is told before other changes of the upstream's answer."""
    policy, exchange = HashPolicy("cookie", "sid", cookie_ttl=ttl, cookie_path=path), asking()
    value = b"%016x" % xxhash64(b"10.0.0.9:400010.1.0.1:80")
    assert xxhash64(value) == hashed(exchange, policy)
    exchange.response, exchange.details = begin_reply(200), "via_upstream"
    seen = []
    finish = tell_cookies((policy,), lambda exchange: seen.append(exchange.response.headers.first[b"set-cookie"]))
    finish(exchange)
    assert [b'sid="' + value + b'"' + rest.encode() + b"; HttpOnly"] == seen


@pytest.mark.parametrize(("details", "notes"), [("response_timeout", {COOKIES: (b"sid=1",)}), ("via_upstream", None), ("via_upstream", {})])
def test_own_answers_give_no_cookie(details, notes):
    """And others only where one was made."""
    exchange = asking()
    exchange.response, exchange.details, exchange.notes = begin_reply(200), details, notes
    tell_cookies((SESSION,), None)(exchange)
    assert b"set-cookie" not in exchange.response.headers.first


def test_a_cookie_that_is_no_line():
    """It would become another header."""
    with pytest.raises(BuildError, match="cookie path"):
        build_hash((HashPolicy("cookie", "sid", cookie_ttl=0.0, cookie_path="/\r\nx: y"),))
