"""Reading header changes."""

import pytest

from meshd.model.header_reading import header_name, header_value
from meshd.model.virtual_service import NO_HEADERS, HeaderOperations, Headers, VirtualService
from tests.helpers.networking import read, wrong

RULE = "{hosts: [web], http: [{route: [{destination: {host: a}}], headers: %s}]}"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("{}", NO_HEADERS),
        ("{request: {set: {Host: a}, add: {x-b: c}, remove: [X-D]}}", Headers(HeaderOperations({"Host": "a"}, {"x-b": "c"}, ("X-D",)))),
        ("{response: {set: {x-a: '%REQ(x)%'}}}", Headers(response=HeaderOperations({"x-a": "%REQ(x)%"}))),
        ("{request: {set: {x-a: ''}}}", Headers(HeaderOperations({"x-a": ""}))),
    ],
)
def test_reads_changes(headers, expected):
    """Names stay as they are written; a request's authority may be set."""
    assert expected == read(VirtualService, RULE % headers).http[0].headers


@pytest.mark.parametrize(
    ("text", "good"),
    [("x-a", True), ("a!#$%&'*+-.^_`|~0", True), ("", False), ("a b", False), ("a:", False), (":path", False), ("\u00e4", False), ("a\n", False)],
)
def test_names_are_tokens(text, good):
    """RFC 9110, section 5.6.2."""
    assert good == (header_name(text) == "")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        *(("", True), ("a\tb", True), ("100%%", True), ("%REQ(a?b):5%", True), ("%START_TIME(%%Y)%", True), ("\u00e4", True)),
        *(("100%", False), ("%a%", False), ("%REQ(a%", False), ("a\rb", False), ("\x7f", False), ("\0", False)),
    ],
)
def test_values_are_lines_with_operators(text, good):
    """A lone percent sign is Envoy's business, and refused."""
    assert good == (header_value(text) == "")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("5", ["error spec.http[0].headers: expected a mapping, got the number 5"]),
        ("{request: []}", ["error spec.http[0].headers.request: expected a mapping, got a list"]),
        ("{request: {set: [a]}}", ["error spec.http[0].headers.request.set: expected a mapping, got a list"]),
        ("{request: {set: {a: 5}}}", ["error spec.http[0].headers.request.set.a: expected text, got the number 5; quote it"]),
        ("{request: {set: {'a b': c}}}", ["error spec.http[0].headers.request.set[a b]: expected a header's name, got 'a b'"]),
        ("{request: {add: {Host: c}}}", [
            "error spec.http[0].headers.request.add.Host: expected a header other than Host and those that begin with a colon, got 'Host'",
        ]),
        ("{request: {set: {':path': c}}}", [
            "error spec.http[0].headers.request.set[:path]: expected a header other than Host and those that begin with a colon, got ':path'",
        ]),
        ("{response: {set: {':authority': c}}}", [
            "error spec.http[0].headers.response.set[:authority]: expected a header other than Host and those that begin with a colon, got "
            "':authority'",
        ]),
        ("{request: {remove: [host]}}", [
            "error spec.http[0].headers.request.remove[0]: expected a header other than Host and those that begin with a colon, got 'host'",
        ]),
        ("{request: {remove: ['']}}", ["error spec.http[0].headers.request.remove[0]: expected a header's name, got an empty text"]),
        ("{request: {set: {a: 50%}}}", [
            "error spec.http[0].headers.request.set.a: expected a text in which %% stands for a percent sign, got '50%'",
        ]),
        ('{request: {set: {a: "b\\nc"}}}', ["error spec.http[0].headers.request.set.a: expected a text on one line, got 'b\\nc'"]),
        ("{request: {set: {Content-Length: '5'}}}", [
            "warning spec.http[0].headers.request.set: expected no change of Content-Length, which says where messages end and for whom they "
            "are; it stays",
        ]),
        ("{response: {remove: [connection]}}", [
            "warning spec.http[0].headers.response.remove: expected no change of connection, which says where messages end and for whom they "
            "are; it stays",
        ]),
        ("{requests: {}}", ["warning spec.http[0].headers.requests: expected a known field, got requests, which is ignored; did you mean request?"]),
        ("{request: {replace: {}}}", ["warning spec.http[0].headers.request.replace: expected a known field, got replace, which is ignored"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(headers, expected):
    """Each with its field."""
    assert expected == wrong(VirtualService, RULE % headers)
