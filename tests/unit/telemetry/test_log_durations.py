"""Operators of times, against what Envoy 1.40 logs."""

import pytest

from meshd.telemetry.log_durations import NOT_POINTS, NOT_TAKEN, POINTS, TIME_OPERATORS
from meshd.telemetry.log_values import Surroundings
from tests.helpers.log_samples import http, tcp

LOGGED = http(completed_at=100.003, duration=0.0201)


def built(name, argument=""):
    """Give what an operator gets of an exchange, and its problem."""
    get, problem = TIME_OPERATORS[name](argument, Surroundings())
    return get(LOGGED), problem


@pytest.mark.parametrize(("argument", "expected"), [
    ("DS_RX_BEG:DS_RX_END", 3), ("DS_RX_BEG:DS_RX_END:us", 3000), ("DS_RX_BEG:DS_TX_END:ms", 20), ("DS_RX_END:US_RX_BEG", 4),
    ("DS_RX_BEG:DS_RX_BEG:ns", 0), ("DS_RX_END:DS_RX_BEG", None),
])
def test_from_one_moment_to_another(argument, expected):
    """In whole units; nothing where the end came first."""
    assert (expected, "") == built("COMMON_DURATION", argument)


@pytest.mark.parametrize(("argument", "expected"), [
    ("DS_RX_BEG", "expected START:END"), ("DS_RX_BEG:DS_RX_END:s", "expected START:END"), ("", "expected START:END"),
    ("DS_RX_BEG:US_TX_END", NOT_TAKEN), ("foo:DS_RX_END", "foo is no moment that Envoy knows"), ("US_CX_BEG:foo", "foo is no moment"),
])
def test_moments_that_there_are_not(argument, expected):
    """They are told of."""
    value, problem = built("COMMON_DURATION", argument)
    assert (None, True) == (value, expected in problem)


def test_durations():
    """Of an exchange and of a connection, which has no request."""
    names = ("DURATION", "REQUEST_DURATION", "RESPONSE_DURATION", "RESPONSE_TX_DURATION")
    assert [(20, ""), (3, ""), (7, ""), (13, "")] == [built(name) for name in names]
    assert [12, None, None, None] == [TIME_OPERATORS[name]("", Surroundings())[0](tcp()) for name in names]


def test_what_is_not_taken_is_told():
    """As are local times; without TLS and QUIC Envoy has nothing either."""
    told = ("REQUEST_TX_DURATION", "START_TIME_LOCAL", "EMIT_TIME_LOCAL", "UPSTREAM_CONNECTION_POOL_READY_DURATION")
    assert all(built(name)[1].endswith("logged as -") for name in told)
    assert [(None, ""), (None, "")] == [built("ROUNDTRIP_DURATION"), built("DOWNSTREAM_HANDSHAKE_DURATION")]
    assert not NOT_POINTS & set(POINTS)
