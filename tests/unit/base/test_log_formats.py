"""Istio's default log formats."""

import re

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT

LINE = (
    '[START_TIME] "METHOD PATH PROTOCOL" RESPONSE_CODE RESPONSE_FLAGS RESPONSE_CODE_DETAILS CONNECTION_TERMINATION_DETAILS '
    '"UPSTREAM_TRANSPORT_FAILURE_REASON" BYTES_RECEIVED BYTES_SENT DURATION X-ENVOY-UPSTREAM-SERVICE-TIME "X-FORWARDED-FOR" "USER-AGENT" '
    '"X-REQUEST-ID" "AUTHORITY" "UPSTREAM_HOST" UPSTREAM_CLUSTER_RAW UPSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS '
    "DOWNSTREAM_REMOTE_ADDRESS REQUESTED_SERVER_NAME ROUTE_NAME\n"
)


def test_the_text_line_has_istios_fields_in_order():
    """Each operator stands where its value does."""
    plain = re.sub(r"%(?:REQ|RESP)\((?:X-ENVOY-ORIGINAL-PATH\?)?:?([A-Z-]+)\)%", r"\1", TEXT_FORMAT)
    assert LINE == re.sub(r"%([A-Z_]+)%", r"\1", plain)


def test_json_has_the_same_values():
    """Under names of their own."""
    operators = re.findall(r"%[^%]+%", TEXT_FORMAT)
    assert sorted(operators) == sorted(value for _key, value in JSON_FORMAT)
    assert len(dict(JSON_FORMAT)) == len(JSON_FORMAT)
