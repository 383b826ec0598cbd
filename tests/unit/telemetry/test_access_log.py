"""Access log lines: Istio's formats byte for byte, and nothing that a client sends can forge one."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.codec.headers import Headers
from meshd.snapshot.network_filter import AccessLog
from meshd.telemetry.access_log import compile_format, find_problems
from tests.helpers.log_samples import http, named, tcp, unread

TEXT = AccessLog("/x")
SPELT_OUT = AccessLog("/x", format=TEXT_FORMAT.replace("_RAW%", "%"))
"""Istio's text format, written so that it goes through the operators."""
JSON = AccessLog("/x", json=True)

START = "[2020-11-25T22:26:18.409Z] "
NO_HOST = SimpleNamespace(method=b"GET", authority=b"", refused="missing_host_header", protocol="HTTP/1.1", scheme=b"", headers=Headers([]))
EMPTY_HOST = SimpleNamespace(method=b"GET", authority=b"", refused="", protocol="HTTP/1.1", scheme=b"", headers=Headers([]))
LINES = {
    "istio's own example": (http(), (
        '"GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" "curl/7.73.0-DEV" '
        '"84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 '
        "10.0.45.184:8000 10.44.1.23:46520 - default\n")),
    "walk, step 7": (http(
        status=503, flags="UF", details="upstream_reset_before_response_started{connection_timeout}", bytes_sent=91, duration=10.003, service_time=-1,
        response=SimpleNamespace(status=503, headers=Headers([])), route=named("allow_any"), cluster=named("PassthroughCluster"),
            upstream_local=""), (
        '"GET /status/418 HTTP/1.1" 503 UF upstream_reset_before_response_started{connection_timeout} - "-" 0 91 10003 - "-" '
        '"curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" PassthroughCluster - '
        "10.0.45.184:8000 10.44.1.23:46520 - allow_any\n")),
    "TCP": (tcp(), (
        '"- - -" 0 - - - "-" 5 10 12 - "-" "-" "-" "-" "10.0.0.2:9000" outbound|8080||tcp.test 10.0.0.1:5001 10.9.0.1:8080 '
        "10.0.0.1:5000 - -\n")),
    "TCP refused": (tcp(flags="UF,URX", failure="delayed_connect_error: Connection refused", upstream_local="", bytes_received=0, bytes_sent=0), (
        '"- - -" 0 UF,URX - - "delayed_connect_error:_Connection_refused" 0 0 12 - "-" "-" "-" "-" "10.0.0.2:9000" '
        "outbound|8080||tcp.test - 10.9.0.1:8080 10.0.0.1:5000 - -\n")),
    "never understood": (unread(), (
        '"- - HTTP/1.1" 400 DPE http1.codec_error - "-" 0 11 0 - "-" "-" "-" "-" "-" - - 10.9.0.1:8080 10.0.0.1:5000 - -\n')),
    "an empty Host": (http(request=EMPTY_HOST, response=None, status=404, flags="NR", details="route_not_found", bytes_sent=0, service_time=-1), (
        '"GET /status/418 HTTP/1.1" 404 NR route_not_found - "-" 0 0 4 - "-" "-" "-" "" "10.44.1.27:80" '
        "outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default\n")),
    "no Host, nothing answered": (tcp(request=NO_HOST, path=b"/", flags="DC", details="downstream_remote_disconnect", cluster=None,
        upstream_host=None), (
        '"GET / HTTP/1.1" 0 DC downstream_remote_disconnect - "-" 5 10 12 - "-" "-" "-" "-" "-" - 10.0.0.1:5001 10.9.0.1:8080 '
        "10.0.0.1:5000 - -\n")),
    "headers": (http(((b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-for", b"5.6.7.8"), (b"x-envoy-original-path", b"/first")),
        source="5.6.7.8:0"), (
        '"GET /first HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "1.2.3.4,5.6.7.8" "curl/7.73.0-DEV" '
        '"84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 '
        "10.0.45.184:8000 5.6.7.8:0 - default\n")),
    "names with blanks": (tcp(route=named("my route"), details="Jwt is expired", cluster=named("")), (
        '"- - -" 0 - Jwt_is_expired - "-" 5 10 12 - "-" "-" "-" "-" "10.0.0.2:9000" - 10.0.0.1:5001 10.9.0.1:8080 10.0.0.1:5000 '
        "- my route\n")),
}


@pytest.mark.parametrize("settings", [TEXT, SPELT_OUT, AccessLog("/x", format=TEXT_FORMAT.rstrip())], ids=["by hand", "by operators", "as given"])
@pytest.mark.parametrize(("logged", "expected"), LINES.values(), ids=LINES)
def test_text_lines(settings, logged, expected):
    """The function made by hand and the operators give the same line."""
    assert START + expected == compile_format(settings)(logged)


def test_an_empty_header_is_told_from_an_absent_one():
    """`""` for an empty one, `"-"` for none."""
    logged = http()
    logged.request.headers.set(b"user-agent", b"")
    logged.request.headers.remove(b"x-request-id")
    assert ' "-" "" "-" "httpbin:8000" ' in compile_format(TEXT)(logged) == compile_format(SPELT_OUT)(logged)


def test_json_as_envoy_writes_it():
    """Keys in order of the alphabet, numbers as numbers, null for what is absent."""
    expected = (
        '{"authority":"httpbin:8000","bytes_received":0,"bytes_sent":135,"connection_termination_details":null,'
        '"downstream_local_address":"10.0.45.184:8000","downstream_remote_address":"10.44.1.23:46520","duration":4,"method":"GET","path":"/status/418",'
        '"protocol":"HTTP/1.1","request_id":"84961386-6d84-929d-98bd-c5aee93b5c88","requested_server_name":null,"response_code":418,'
        '"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2020-11-25T22:26:18.409Z",'
        '"upstream_cluster":"outbound|8000||httpbin.foo.svc.cluster.local","upstream_host":"10.44.1.27:80","upstream_local_address":"10.44.1.23:37652",'
        '"upstream_service_time":"4","upstream_transport_failure_reason":null,"user_agent":"curl/7.73.0-DEV","x_forwarded_for":null}\n'
    )
    assert expected == compile_format(JSON)(http())


def test_json_of_tcp():
    """Nothing of a request is there."""
    fields = json.loads(compile_format(JSON)(tcp()))
    absent = {"authority", "method", "path", "protocol", "request_id", "user_agent", "x_forwarded_for", "upstream_service_time", "route_name"}
    assert absent <= {name for name, value in fields.items() if value is None}
    assert (0, 5, 10, 12, "-") == tuple(fields[name] for name in ("response_code", "bytes_received", "bytes_sent", "duration", "response_flags"))


def test_a_custom_format_gets_its_newline():
    """With one already there it gets no second."""
    formats = ("%RESPONSE_CODE% %REQ(:METHOD):2%", "%RESPONSE_CODE%\n")
    assert ["418 GE\n", "418\n"] == [compile_format(AccessLog("/x", format=text))(http()) for text in formats]


@pytest.mark.parametrize(("settings", "expected"), [
    (TEXT, []), (JSON, []), (SPELT_OUT, []),
    (AccessLog("/x", format="%NONE% %START_TIME(%Q)%"), [
        "%NONE% is not known; it is logged as -", "%START_TIME(%Q)%: START_TIME: expected a conversion of strftime, %3f, %6f or %9f, got %Q"]),
    (AccessLog("/x", json=True, json_format='{"a": "%X%", "b": "50% off"}'), [
        "%X% is not known; it is logged as -", "expected %OPERATOR% at character 3, got '% off'; write %% for a percent sign"]),
])
def test_problems_are_told(settings, expected):
    """What a format asks for in vain is said, with the place; the log is written all the same."""
    assert expected == find_problems(settings)
    assert compile_format(settings)(http()).endswith("\n")


FORGED = {
    "a quote": (b'curl" "x" "y', '"curl\\" \\"x\\" \\"y"'),
    "a backslash": (b"curl\\", '"curl\\\\"'),
    "a line": (b'a"\n[2020-11-25T22:26:18.409Z] "GET /admin', '"a\\"\\x0a[2020-11-25T22:26:18.409Z] \\"GET /admin"'),
    "a terminal sequence": (b"\x1b[2J", '"\\x1b[2J"'),
    "bytes over 127": (b"caf\xc3\xa9\x9b", '"caf\\xc3\\xa9\\x9b"'),
    "a tab, a delete": (b"a\tb\x7f", '"a\\x09b\\x7f"'),
}


@pytest.mark.parametrize("settings", [TEXT, SPELT_OUT], ids=["by hand", "by operators"])
@pytest.mark.parametrize(("value", "written"), FORGED.values(), ids=FORGED)
def test_no_header_forges_a_field(settings, value, written):
    """What would end a field or a line, or move a cursor, is written as what it is."""
    logged = http()
    logged.request.headers = Headers([(b"user-agent", value)])
    assert f" {written} " in compile_format(settings)(logged)


STRANGE = st.binary(max_size=30).map(lambda value: value.replace(b"\0", b""))


@given(strange=st.lists(STRANGE, min_size=5, max_size=5), name=st.text(max_size=20), failure=st.text(max_size=20))
def test_a_line_is_one_line_of_as_many_fields(strange, name, failure):
    """Whatever is in them, quoted fields stay quoted and the line stays one; JSON stays an object with its keys."""
    method, path, authority, agent, forwarded = strange
    headers = Headers([(b"user-agent", agent), (b"x-forwarded-for", forwarded)])
    request = SimpleNamespace(method=method, authority=authority, refused="", protocol="HTTP/1.1", scheme=b"", headers=headers)
    connection = SimpleNamespace(destination="d", source="s", server_name=name, listener=name, filter_chain=name)
    logged = http(request=request, path=path, failure=failure, details=failure, connection=connection)
    line = compile_format(TEXT)(logged)
    assert line.isascii() and line[:-1].isprintable() and line.endswith("\n")
    assert 14 == line.replace("\\\\", "").replace('\\"', "").count('"')
    assert line == compile_format(SPELT_OUT)(logged)
    assert {name for name, _ in JSON_FORMAT} == set(json.loads(compile_format(JSON)(logged)))


def test_a_huge_value_is_written_whole():
    """64 KiB in a header are no reason to lose the line."""
    line = compile_format(TEXT)(http(path=b"/" + b"\xff" * 65536))
    assert ("\\xff" * 65536) in line


def test_the_absent_may_be_left_out():
    """With `omit_empty` there is nothing instead of a dash; flags are never absent."""
    settings = AccessLog("/x", format="%REQ(X-NONE)%|%UPSTREAM_LOCAL_ADDRESS%|%RESPONSE_FLAGS%|%RESPONSE_CODE%", omit_empty=True)
    assert "|10.0.0.1:5001|-|0\n" == compile_format(settings)(tcp())
    assert ' "" ' in compile_format(AccessLog("/x", omit_empty=True))(tcp())
