"""Changes of headers as a real Envoy makes them."""

import pytest

from meshd.codec.headers import Headers
from meshd.codec.local_reply import begin_reply
from meshd.explain.header_changes import ONE_LINE_IN_REQUESTS, ONE_LINE_IN_RESPONSES
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.tables.header_changes import JOINED_IN_REQUESTS, JOINED_IN_RESPONSES, change_requests, change_responses
from meshd.telemetry.log_values import Surroundings
from tests.helpers.exchanges import PlainExchange

APPEND, OVERWRITE, IF_THERE, IF_ABSENT = "APPEND_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS", "ADD_IF_ABSENT"


def changed(before, add=(), remove=(), path=b"/"):
    """Give a request's header lines after changes, as texts."""
    exchange = PlainExchange(path, headers=tuple((name.encode(), value.encode()) for name, value in before))
    change = change_requests([HeaderChanges(tuple(HeaderChange(*one) for one in add), remove)], Surroundings("vm"))
    if change is not None:
        change(exchange)
    return [f"{name.decode()}: {value.decode()}" for name, value in exchange.request.headers.pairs]


@pytest.mark.parametrize(("before", "add", "expected"), [
    ([("x-a", "1"), ("x-b", "2")], [("x-a", "3", APPEND)], ["x-a: 1", "x-b: 2", "x-a: 3"]),
    ([("x-a", "1"), ("x-b", "2")], [("X-A", "3", OVERWRITE)], ["x-b: 2", "x-a: 3"]),
    ([("x-c", "1"), ("x-c", "2")], [("x-b", "n", IF_ABSENT), ("x-c", "n", IF_THERE), ("x-d", "n", IF_THERE)], ["x-c: n", "x-b: n"]),
    ([("x-a", "1")], [("x-a", "n", IF_ABSENT)], ["x-a: 1"]),
    ([], [("x-e", "", APPEND), ("x-f", "", APPEND, True)], ["x-f: "]),
    ([("user-agent", "u"), ("cookie", "a=1")], [("user-agent", "more"), ("cookie", "b=2")], ["user-agent: u,more", "cookie: a=1", "cookie: b=2"]),
])
def test_actions(before, add, expected):
    """Overwriting moves to the end and comes before adding; what Envoy keeps in one line grows in its place."""
    assert expected == changed(before, add)


@pytest.mark.parametrize("name", sorted(JOINED_IN_REQUESTS))
def test_what_envoy_keeps_in_one_line(name):
    """As a real Envoy does it."""
    assert [f"{name.decode()}: a,b"] == changed([(name.decode(), "a")], [(name.decode(), "b", APPEND)])


def test_the_explanation_knows_the_same_names():
    """It has lists of its own."""
    assert sorted(JOINED_IN_REQUESTS) == sorted(name.encode() for name in ONE_LINE_IN_REQUESTS)
    assert sorted(JOINED_IN_RESPONSES) == sorted(name.encode() for name in ONE_LINE_IN_RESPONSES)


@pytest.mark.parametrize(("value", "expected"), [
    ("a%%b", "a%b"), ("%REQ(x-v)%", "abc"), ("%REQ(x-v):2%/%REQ(nope?x-v)%", "ab/abc"),
    ("%REQ(:PATH)% %REQ(:AUTHORITY)% %REQ(:METHOD)%", "/p?q a.test GET"),
    ("<%REQ(nope)%>", "<>"), ("%HOSTNAME%", "vm"), ("a\r\nx-evil: 1", "a  x-evil: 1"),
])
def test_values(value, expected):
    """Format strings of the access log, absent values as nothing; no line break comes in."""
    assert ["x-v: abc", f"x-n: {expected}"] == changed([("x-v", "abc")], [("x-n", value)], path=b"/p?q")


def test_absent_values_add_nothing():
    """Unless an empty header is wanted."""
    assert ["x-b: "] == changed([], [("x-a", "%REQ(nope)%", APPEND), ("x-b", "%REQ(nope)%", APPEND, True)])


def test_values_are_made_before_anything_is_set():
    """But after what is taken away has gone."""
    add = [("x-a", "2", OVERWRITE), ("x-b", "%REQ(x-a)%", APPEND), ("x-c", "%REQ(x-gone)%", APPEND, True)]
    assert ["x-a: 2", "x-b: 1", "x-c: "] == changed([("x-a", "1"), ("x-gone", "1"), ("x-gone", "2")], add, ("X-Gone",))


@pytest.mark.parametrize("name", ["content-length", "Transfer-Encoding", "connection", "host", "upgrade"])
def test_framing_stays(name):
    """Two sides that read different messages are what an attacker wants."""
    assert ["content-length: 5", "connection: upgrade"] == changed(
        [("content-length", "5"), ("connection", "upgrade")], [(name, "1", OVERWRITE), (name, "2")], (name,))


def test_responses():
    """In the same way, with the request to read from."""
    exchange = PlainExchange(headers=((b"x-v", b"1"),))
    exchange.response = begin_reply(200)
    exchange.response.headers = Headers([(b"vary", b"a"), (b"x-secret", b"s"), (b"set-cookie", b"a")])
    add = (HeaderChange("vary", "b"), HeaderChange("set-cookie", "b"), HeaderChange("x-v", "%REQ(x-v)% %RESP(x-secret)%"))
    change = change_responses([HeaderChanges(add, ("x-secret",))], Surroundings())
    assert change is not None
    change(exchange)
    assert exchange.response.headers.pairs == [(b"vary", b"a,b"), (b"set-cookie", b"a"), (b"set-cookie", b"b"), (b"x-v", b"1 ")]


def test_no_changes():
    """Are no step."""
    assert (None, None) == (change_requests([HeaderChanges()], Surroundings()), change_responses([], Surroundings()))
