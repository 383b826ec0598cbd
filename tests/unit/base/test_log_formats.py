"""Istio's default access log formats."""

import re

import pytest

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT

OPERATORS = re.findall(r"%[^%]+%", TEXT_FORMAT)


def test_a_text_line_is_what_istio_documents():
    """22 values in Istio's order, ended by a line feed (istio.io, Getting Envoy's access logs; upstream cluster raw since 1.25)."""
    expected = (
        "START_TIME REQ(:METHOD) REQ(X-ENVOY-ORIGINAL-PATH?:PATH) PROTOCOL RESPONSE_CODE RESPONSE_FLAGS RESPONSE_CODE_DETAILS "
        "CONNECTION_TERMINATION_DETAILS UPSTREAM_TRANSPORT_FAILURE_REASON BYTES_RECEIVED BYTES_SENT DURATION RESP(X-ENVOY-UPSTREAM-SERVICE-TIME) "
        "REQ(X-FORWARDED-FOR) REQ(USER-AGENT) REQ(X-REQUEST-ID) REQ(:AUTHORITY) UPSTREAM_HOST UPSTREAM_CLUSTER_RAW UPSTREAM_LOCAL_ADDRESS "
        "DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_REMOTE_ADDRESS REQUESTED_SERVER_NAME ROUTE_NAME"
    )
    assert expected.split() == [operator.strip("%") for operator in OPERATORS]
    assert TEXT_FORMAT.endswith("%ROUTE_NAME%\n")
    assert 1 == TEXT_FORMAT.count("\n")


def test_json_has_the_same_values():
    """An object holds what a line holds, each key once."""
    assert sorted(OPERATORS) == sorted(operator for _, operator in JSON_FORMAT)
    assert len(JSON_FORMAT) == len({key for key, _ in JSON_FORMAT})


@pytest.mark.parametrize(("key", "_"), JSON_FORMAT)
def test_json_keys_are_snake_case(key, _):
    """Keys are what log pipelines made for Istio look for."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", key)
