"""What answers mean."""

import pytest
from OpenSSL import SSL
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from meshd.kubernetes.answers import NoAnswerError, bounded_wait, explain_fault, is_cancelled, parse_object, read_status

ASKED = "https://x: GET /api/v1/pods"


def test_reads_objects():
    """And nothing else."""
    assert {"a": 1} == parse_object(b' {"a": 1}\n')


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected an object as JSON, got something else"),
        (b"<html>", "expected an object as JSON, got something else"),
        (b'{"a": ', "expected an object as JSON, got something else"),
        (b"\xff\xfe", "expected an object as JSON, got something else"),
        (b"[" * 100_000, "expected an object as JSON, got something else"),
        (b'{"a": ' + b"9" * 5000 + b"}", "expected an object as JSON, got something else"),
        (b"[]", "expected an object as JSON, got a list"),
        (b"null", "expected an object as JSON, got a single value"),
    ],
)
def test_what_is_no_object(content, expected):
    """It is told in one sentence, and not quoted."""
    with pytest.raises(NoAnswerError) as raised:
        parse_object(content)
    assert expected == str(raised.value)


@pytest.mark.parametrize(
    ("body", "code", "expected", "status"),
    [
        ({"kind": "Status", "code": 409, "reason": "AlreadyExists", "message": "pods x exists"}, 409, ": 409 AlreadyExists: pods x exists", 409),
        ({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}, 0, ": 410 Expired: too old; list anew", 410),
        ({}, 403, ": 403 Forbidden; give the user of context x the permission (RBAC)", 403),
        ({"kind": "Status", "code": 401}, 401, ": 401 Unauthorized; check the credentials of context x", 401),
        ({"kind": "Pod", "message": "no"}, 502, ": 502 Bad Gateway", 502),
        ({"kind": "Status", "code": True, "reason": 1, "message": ["a"]}, 599, ": 599", 599),
        ({"kind": "Status", "message": "a\nb\x1b[31m"}, 500, ": 500 Internal Server Error: a?b?[31m", 500),
        ({"kind": "Status", "message": "x" * 1000}, 500, ": 500 Internal Server Error: " + "x" * 500, 500),
        ({"kind": "Status", "message": "token s3cr3t is bad"}, 500, ": 500 Internal Server Error: token ... is bad", 500),
    ],
)
def test_errors_of_the_server(body, code, expected, status):
    """One line: what was asked, what the server says, what to do; our token never, whoever says it."""
    found = read_status(body, ASKED, "context x", code, secret="s3cr3t")
    assert (ASKED + expected, status) == (str(found), found.status)


def test_how_long_to_wait():
    """By the head, else by the object; within reason."""
    body = {"kind": "Status", "details": {"retryAfterSeconds": 3}}
    assert 3.0 == read_status(body, ASKED, "", 429).retry_after
    assert 5.0 == read_status(body, ASKED, "", 429, 5.0).retry_after
    assert [7.0, 3600.0, None, None, None, None] == [bounded_wait(value) for value in (b" 7", 10**30, b"soon", -1, True, b"9" * 10)]


@pytest.mark.parametrize(
    ("fault", "tls_fault", "expected"),
    [
        (error.ConnectionRefusedError(), "", "it refuses connections; check its address, and whether it runs"),
        (error.DNSLookupError(), "", "its name cannot be resolved"),
        (error.TimeoutError(), "", "it cannot be reached in time; check its address, and whether it runs"),
        (error.NoRouteError(), "", "there is no way to it; check its address"),
        (error.ConnectError(), "", "it cannot be reached; check its address"),
        (TimeoutError(), "", "expected an answer in time, got none"),
        (ResponseFailed([Failure(error.ConnectionLost())]), "", "it ended the connection in the middle of an answer"),
        (ResponseFailed([Failure(NoAnswerError("too long"))]), "", "too long"),
        (ResponseFailed([Failure(ValueError("s3cr3t"))]), "", "expected an answer in HTTP, got something else (ValueError)"),
        (ResponseFailed([Failure(SSL.Error([("", "", "certificate verify failed")]))]), "it has expired", "it has expired"),
        (SSL.Error([("", "", "tlsv13 alert certificate required")]), "",
         "the server ended TLS (tlsv13 alert certificate required); check our certificate if it asks for one"),
        (SSL.Error([("", "", "wrong version number")]), "", "TLS failed (wrong version number); check that the server speaks it"),
        (SSL.Error(), "", "TLS failed (the connection was ended); check that the server speaks it"),
    ],
)
def test_why_there_is_no_answer(fault, tls_fault, expected):
    """In words that say what to look at."""
    assert expected == explain_fault(fault, tls_fault)


def test_knows_what_nobody_wanted():
    """However deep it is within another fault."""
    assert is_cancelled(ResponseFailed([Failure(ResponseFailed([Failure(CancelledError())]))]))
    assert not is_cancelled(ResponseFailed([Failure(error.ConnectionLost())]))
