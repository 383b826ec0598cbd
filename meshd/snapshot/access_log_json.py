"""Access logs in Envoy's v3 JSON."""

import json
from typing import Any

import attrs

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.snapshot.json_fields import Json, Row, kind_of, read_flag, read_list, read_many, read_text, typed, typed_config, whole
from meshd.snapshot.log_filter import FlagFilter, LogFilter
from meshd.snapshot.log_filter_json import read_filter, write_filter
from meshd.snapshot.network_filter import AccessLog
from meshd.snapshot.noted_json import FieldError, Noted, settle, shown

_LOGGERS = "envoy.extensions.access_loggers."
_FILE = f"{_LOGGERS}file.v3.FileAccessLog"
_STREAMS = {f"{_LOGGERS}stream.v3.StdoutAccessLog": "/dev/stdout", f"{_LOGGERS}stream.v3.StderrAccessLog": "/dev/stderr"}
_WITHOUT_QUERY = "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery"
_FORMATTERS = (_WITHOUT_QUERY, "envoy.extensions.formatter.metadata.v3.Metadata", "envoy.extensions.formatter.cel.v3.Cel")
_REFUSED = FlagFilter(("NR",))

ENVOYS_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% '
    '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" '
    '"%UPSTREAM_HOST%"'
)
"""What Envoy writes where no format is given; Istio's has more."""


def _write_log(log: AccessLog) -> Json:
    if log.json:
        form: Json = {"jsonFormat": json.loads(log.json_format) if log.json_format else dict(JSON_FORMAT)}
    else:
        format_ = log.format or TEXT_FORMAT
        form = {"textFormatSource": {"inlineString": format_ if format_.endswith("\n") else f"{format_}\n"}}
    if log.omit_empty:
        form["omitEmptyValues"] = True
    if "%REQ_WITHOUT_QUERY(" in log.format or "%REQ_WITHOUT_QUERY(" in log.json_format:
        form["formatters"] = [typed("envoy.formatter.req_without_query", _WITHOUT_QUERY)]
    message = typed("envoy.access_loggers.file", _FILE, {"path": log.path, "logFormat": form})
    return message if log.filter is None else {**message, "filter": write_filter(log.filter)}


def _read_log(found: Any) -> AccessLog:
    kind = kind_of(found)
    if kind != _FILE and kind not in _STREAMS:
        raise FieldError("", f"expected a log to a file or a standard stream, found {kind or 'no type'}")
    config = typed_config(found)
    return attrs.evolve(_read_format(config), path=_STREAMS.get(kind) or read_text(config["path"]), filter=_read_log_filter(found))


_read_whole_log = whole(_read_log, "AccessLog")


def _read_format(config: Json) -> AccessLog:
    """Read the format, in today's spelling and in the older ones."""
    form = config.get("logFormat", {})
    for formatter in read_list(form.get("formatters", [])):
        if kind_of(formatter) not in _FORMATTERS:
            raise FieldError("", f"formatters: expected one that meshd has, found {kind_of(formatter) or 'no type'}")
    log = AccessLog("", omit_empty=read_flag(form.get("omitEmptyValues", False)))
    fields = form.get("jsonFormat", config.get("jsonFormat", config.get("typedJsonFormat")))
    if fields is not None:
        return attrs.evolve(log, json=True, json_format=_read_json_format(fields))
    said = form.get("textFormatSource", {}).get("inlineString", form.get("textFormat", config.get("format")))
    if said == TEXT_FORMAT:
        return log
    return attrs.evolve(log, format=ENVOYS_FORMAT if said is None else read_text(said).removesuffix("\n"))


def _read_json_format(found: Any) -> str:
    """Read an object of formats; what is within is plain JSON, of which nothing is ignored."""
    if not isinstance(found, dict):
        raise FieldError("", f"jsonFormat: expected an object, found {shown(found)}")
    settle(found)
    return "" if found == dict(JSON_FORMAT) else json.dumps(found)


def _read_log_filter(found: Any) -> LogFilter | None:
    """Read which lines are written; with a filter that meshd does not know, all of them."""
    chosen = found.get("filter")
    if chosen is None:
        return None
    try:
        return read_filter(chosen)
    except FieldError as reason:
        if not isinstance(chosen, Noted):
            raise
        settle(chosen)
        chosen.report.note(reason.field or chosen.place, reason.said, "every line is written")
        return None


def _read_logs(found: Any) -> tuple[AccessLog, ...]:
    return read_many(found, _read_whole_log, "access log")


def _read_refusal_logs(found: Any) -> tuple[AccessLog, ...]:
    """Read a listener's own access logs, of which meshd writes what connections that no chain took would."""
    logs = _read_logs(found)
    for log, item in zip(logs, found, strict=False):
        if log.filter != _REFUSED and isinstance(item, Noted):
            item.report.note(item.place, "expected a filter for the response flag NR", "only connections that no filter chain takes are written")
    return tuple(attrs.evolve(log, filter=None) for log in logs)


ACCESS_LOGS = Row("access_logs", ("accessLog",), lambda logs: [_write_log(log) for log in logs], _read_logs, ())
"""Access logs of a network filter."""


def write_refusal_logs(logs: tuple[AccessLog, ...]) -> list[Json]:
    """Give a listener's own access logs, which hold only connections that no chain took."""
    return [_write_log(attrs.evolve(log, filter=_REFUSED)) for log in logs]


REFUSAL_LOGS = Row("access_logs", ("accessLog",), write_refusal_logs, _read_refusal_logs, ())
"""Access logs of a listener."""
