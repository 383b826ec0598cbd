"""The HTTP connection manager in Envoy's JSON."""

import attrs
import pytest

from meshd.snapshot.http_connection_json import MANAGER
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager
from meshd.snapshot.noted_json import FieldError, Report, note
from meshd.snapshot.vocabulary import NOT_DONE

EVERYTHING = HttpConnectionManager(
    "s", "80", server_name="istio-envoy", server_header="APPEND_IF_ABSENT", path_normalization="MERGE_SLASHES", escaped_slashes="REJECT_REQUEST",
    use_remote_address=True, xff_num_trusted_hops=2, skip_xff_append=True, internal_ranges=("10.0.0.0/8",), generate_request_id=False,
    preserve_external_request_id=True, request_id_in_response=True, proxy_100_continue=False, upgrades=("websocket", "other"),
    stream_idle_timeout=1.0, idle_timeout=2.0, request_timeout=3.0, request_headers_timeout=4.0, max_stream_duration=5.0,
    max_connection_duration=6.0, max_requests_per_connection=7, drain_timeout=8.0, delayed_close_timeout=0.0, max_request_headers_kb=9,
    max_headers=10, headers_with_underscores="DROP_HEADER", forward_client_cert_details="SANITIZE_SET", client_cert_details=("subject", "uri"),
    accept_http_10=True, default_http_10_host="h", allow_absolute_url=False, enable_trailers=True, preserve_case=True, strip_host_port="any",
    strip_trailing_host_dot=True, via="me", access_logs=(AccessLog("/a"),),
)
ROUTED = {"rds": {"routeConfigName": "80"}, "httpFilters": [{"name": "envoy.filters.http.router"}]}


def read(message):
    """Read a connection manager of a file; also give its problems, but for those of what no worker does yet."""
    found = note(message, "", Report("f"))
    return MANAGER.read(found), [problem for problem in found.report.problems if "not done yet" not in problem.message]


def test_what_is_read_and_not_done_is_told_of(monkeypatch):
    """A file that sets it asks for more than it gets; what is as it usually is asks for nothing."""
    monkeypatch.setitem(NOT_DONE, "HttpConnectionManager", frozenset(("via", "strip_host_port", "server_name")))
    found = note({**ROUTED, "via": "me", "stripAnyHostPort": False, "server_name": "envoy"}, "", Report("f"))
    MANAGER.read(found)
    said = "f: via: expected HttpConnectionManager without via: it is read, and not done yet; the rest is served"
    assert [said] == [str(problem) for problem in found.report.problems if problem.field in ("via", "", "server_name")]


def test_every_setting_goes_there_and_back():
    """None keeps its default here, so that none can be forgotten."""
    same = [field.name for field in attrs.fields(HttpConnectionManager) if getattr(EVERYTHING, field.name) == field.default]
    assert ["route_config", "http_filters"] == same
    assert (EVERYTHING, []) == read(MANAGER.write(EVERYTHING))


def test_what_is_not_said_is_envoys_default():
    """Which is not always Istio's."""
    manager, problems = read(ROUTED)
    assert ("NONE", False, (), 300.0) == (manager.path_normalization, manager.proxy_100_continue, manager.upgrades, manager.stream_idle_timeout)
    assert [] == problems


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"path_with_escaped_slashes_action": "REJECT_REQUEST", "normalize_path": True}, ("BASE", "REJECT_REQUEST")),
        ({"path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT", "normalize_path": True, "merge_slashes": True},
         ("MERGE_SLASHES", "UNESCAPE_AND_REDIRECT")),
        ({"normalize_path": {"value": True}}, ("BASE", "")),
    ],
)
def test_escaped_slashes(fields, expected):
    """Refused, or redirected, beside Istio's modes."""
    manager, problems = read({**ROUTED, **fields})
    assert (expected, []) == ((manager.path_normalization, manager.escaped_slashes), problems)


def test_upgrades_may_be_switched_off():
    """One by one."""
    assert ("websocket",) == read({**ROUTED, "upgradeConfigs": [{"upgradeType": "WebSocket"}, {"upgradeType": "x", "enabled": False}]})[0].upgrades


@pytest.mark.parametrize("tracing", [{}, {"randomSampling": {"value": 1.0}, "customTags": [{"tag": "a", "literal": {"value": "b"}}]}])
def test_tracing_without_a_provider_is_none(tracing):
    """As Istio writes it where nothing takes traces."""
    assert [] == read({**ROUTED, "tracing": tracing})[1]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tracing": {"provider": {"name": "x"}}}, "tracing.provider"), ({"addUserAgent": True}, "addUserAgent"),
        ({"http_protocol_options": {"accept_http_10": True, "other": 1}}, "http_protocol_options.other"),
        ({"http2ProtocolOptions": {"maxConcurrentStreams": 1}}, "http2ProtocolOptions"),
    ],
)
def test_what_is_not_done_is_told_of(fields, field):
    """The rest is served."""
    assert [(field, "warning")] == [(problem.field, problem.severity) for problem in read({**ROUTED, **fields})[1]]


@pytest.mark.parametrize(
    "fields",
    [
        {"codecType": "HTTP3"}, {"codec_type": "HTTP2"}, {"localReplyConfig": {}}, {"scopedRoutes": {}}, {"normalizePath": "yes"},
        {"mergeSlashes": True},
        {"pathWithEscapedSlashesAction": "OTHER"}, {"normalizePath": True, "pathWithEscapedSlashesAction": "UNESCAPE_AND_FORWARD"},
        {"streamIdleTimeout": "-1s"}, {"streamIdleTimeout": 1}, {"commonHttpProtocolOptions": {"headersWithUnderscoresAction": "X"}},
        {"httpProtocolOptions": {"headerKeyFormat": {"properCaseWords": {}}}}, {"internalAddressConfig": {"cidrRanges": [{}]}},
        {"httpFilters": []}, {"httpFilters": None}, {"httpFilters": "x"}, {"rds": 3}, {"xffNumTrustedHops": -1}, {"upgradeConfigs": [{}]},
        {"upgradeConfigs": [{"upgradeType": "CONNECT", "connectConfig": {}}]}, {"setCurrentClientCertDetails": {"uri": 1}},
    ],
)
def test_what_cannot_be_read_is_refused(fields):
    """Rather than served otherwise than it says."""
    with pytest.raises(FieldError, match="expected"):
        read({**ROUTED, **fields})
