"""Access logs in Envoy's JSON."""

import pytest

from meshd.base.log_formats import TEXT_FORMAT
from meshd.snapshot.access_log_json import ACCESS_LOGS, ENVOYS_FORMAT, REFUSAL_LOGS
from meshd.snapshot.log_filter import FlagFilter
from meshd.snapshot.network_filter import AccessLog
from meshd.snapshot.noted_json import Report, note

TYPES = "type.googleapis.com/envoy.extensions.access_loggers."


WITHOUT_QUERY = {
    "name": "envoy.formatter.req_without_query",
    "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery"},
}


def file_log(**config):
    """Give a log to a file."""
    return {"name": "any", "typedConfig": {"@type": f"{TYPES}file.v3.FileAccessLog", "path": "/a", **config}}


@pytest.mark.parametrize(
    ("config", "log"),
    [
        ({}, AccessLog("/a", ENVOYS_FORMAT)),
        ({"format": "x\n"}, AccessLog("/a", "x")),
        ({"logFormat": {"textFormat": "x\n"}}, AccessLog("/a", "x")),
        ({"logFormat": {"textFormatSource": {"inlineString": TEXT_FORMAT}}}, AccessLog("/a")),
        ({"jsonFormat": {"my_key": "%PROTOCOL%"}}, AccessLog("/a", json=True, json_format='{"my_key": "%PROTOCOL%"}')),
        ({"logFormat": {"jsonFormat": {"a": {"b": ["%X%", 1, None, True]}}, "jsonFormatOptions": {"sortProperties": True}, "omitEmptyValues": True}},
         AccessLog("/a", json=True, json_format='{"a": {"b": ["%X%", 1, null, true]}}', omit_empty=True)),
        ({"logFormat": {"textFormat": "%REQ_WITHOUT_QUERY(:PATH)%", "formatters": [WITHOUT_QUERY]}}, AccessLog("/a", "%REQ_WITHOUT_QUERY(:PATH)%")),
        ({"typedJsonFormat": {"k": "v"}}, AccessLog("/a", json=True, json_format='{"k": "v"}')),
    ],
)
def test_formats_in_every_spelling(config, log):
    """None at all is Envoy's own format, which is not Istio's."""
    found = note([file_log(**config)], "", Report("f"))
    assert (log,) == ACCESS_LOGS.read(found)
    assert [] == found[0].report.problems
    assert (log,) == ACCESS_LOGS.read(ACCESS_LOGS.write((log,)))


@pytest.mark.parametrize(("stream", "path"), [("Stdout", "/dev/stdout"), ("Stderr", "/dev/stderr")])
def test_standard_streams(stream, path):
    """They are files, too."""
    found = {"name": "s", "typedConfig": {"@type": f"{TYPES}stream.v3.{stream}AccessLog", "logFormat": {"textFormat": "x"}}}
    assert (AccessLog(path, "x"),) == ACCESS_LOGS.read([found])


def test_a_log_may_be_for_response_flags_only():
    """They go there and back."""
    log = AccessLog("/a", "x", filter=FlagFilter(("NR", "UH")))
    assert (log,) == ACCESS_LOGS.read(ACCESS_LOGS.write((log,)))


def test_logs_that_cannot_be_written_are_left_out():
    """With a problem each; another filter leaves a log that holds more."""
    found = note(
        [{"name": "g", "typedConfig": {"@type": f"{TYPES}grpc.v3.HttpGrpcAccessLogConfig"}}, file_log(path=3), {"name": "envoy.access_loggers.file"},
         file_log(logFormat={"jsonFormat": []}), file_log(logFormat={"textFormat": "", "formatters": [{"name": "x"}]}),
         {**file_log(format="x"), "filter": {"durationFilter": {}}},
         {**file_log(format="y"), "other": 1}],
        "log", Report("f"),
    )
    assert (AccessLog("/a", "x"), AccessLog("/a", "y")) == ACCESS_LOGS.read(found)
    assert [("log[0]", "error"), ("log[1]", "error"), ("log[2]", "error"), ("log[3]", "error"), ("log[4]", "error"),
            ("log[5].filter", "warning"), ("log[6].other", "warning")] == [
                (problem.field, problem.severity) for problem in found[0].report.problems if "not done yet" not in problem.message]


def test_a_listeners_own_log_holds_refused_connections():
    """Another one is told of."""
    assert (AccessLog("/a"),) == REFUSAL_LOGS.read(REFUSAL_LOGS.write((AccessLog("/a"),)))
    found = note([file_log(format="x")], "log", Report("f"))
    assert (AccessLog("/a", "x"),) == REFUSAL_LOGS.read(found)
    assert ["log[0]"] == [problem.field for problem in found[0].report.problems]
