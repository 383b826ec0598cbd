"""Tests of what is done to response headers last."""

import pytest

from meshd.codec.headers import Headers
from meshd.codec.http_events import ResponseHead
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.tables.headers.responses import ChosenResponseHeaders, ResponseHeaders, build_responses
from meshd.tables.interfaces import BuildError
from tests.helpers.exchanges import PlainExchange

WALL = 1.7e9
DATE, SERVER = (b"date", b"Tue, 14 Nov 2023 22:13:20 GMT"), (b"server", b"envoy")
ID, FORCED, INSIDE = (b"x-request-id", b"mine"), (b"x-envoy-force-trace", b"yes"), ("10.0.0.0/8",)


def signed(given, asked=(), **settings):
    """Give the lines of a response after signing."""
    response = ResponseHead()
    response.headers = Headers(list(given))
    build_responses(HttpConnectionManager("test", **settings)).sign(response, PlainExchange(headers=tuple(asked)).request, WALL)
    return response.headers.pairs


@pytest.mark.parametrize(("settings", "given", "asked", "expected"), [
    ({}, [], [ID, FORCED], [DATE, SERVER]),
    ({}, [(b"server", b"nginx"), (b"a", b"b"), (b"date", b"then")], [], [SERVER, (b"a", b"b"), (b"date", b"then")]),
    ({"server_name": "istio-envoy"}, [], [], [DATE, (b"server", b"istio-envoy")]),
    ({"server_header": "APPEND_IF_ABSENT"}, [], [], [DATE, SERVER]),
    ({"server_header": "APPEND_IF_ABSENT"}, [(b"server", b"nginx")], [], [(b"server", b"nginx"), DATE]),
    ({"server_header": "PASS_THROUGH"}, [], [], [DATE]),
    ({"server_header": "PASS_THROUGH"}, [(b"server", b"nginx")], [], [(b"server", b"nginx"), DATE]),
    ({"request_id_in_response": True}, [], [ID], [DATE, SERVER, ID]),
    ({"request_id_in_response": True}, [(b"x-request-id", b"theirs")], [ID], [ID, DATE, SERVER]),
    ({"request_id_in_response": True}, [], [], [DATE, SERVER]),
    ({"internal_ranges": INSIDE}, [], [ID], [DATE, SERVER]),
    ({"internal_ranges": INSIDE}, [], [ID, FORCED], [DATE, SERVER, ID]),
    ({"via": "1.1 mesh"}, [], [], [DATE, SERVER, (b"via", b"1.1 mesh")]),
    ({"via": "1.1 mesh"}, [(b"via", b"1.0 a")], [], [(b"via", b"1.0 a, 1.1 mesh"), DATE, SERVER]),
])
def test_signs(settings, given, asked, expected):
    """What is added, kept and replaced in place."""
    assert expected == signed(given, asked, **settings)


def test_what_is_not_asked_for_costs_nothing():
    """Plain sidecars get the plain one."""
    plain, chosen = HttpConnectionManager("test"), HttpConnectionManager("test", via="a")
    assert (ResponseHeaders, ChosenResponseHeaders) == (type(build_responses(plain)), type(build_responses(chosen)))


@pytest.mark.parametrize("settings", [{"server_name": "a\r\nx-evil: 1"}, {"via": "a\nb"}])
def test_bad_settings_cannot_be_built(settings):
    """A header cannot hold them."""
    with pytest.raises(BuildError):
        build_responses(HttpConnectionManager("test", **settings))
