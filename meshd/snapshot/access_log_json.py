"""Access logs in Envoy's v3 JSON."""

from typing import Any

import attrs

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.snapshot.json_fields import Json, Row, kind_of, read_list, read_many, read_text, typed, typed_config, whole
from meshd.snapshot.network_filter import AccessLog
from meshd.snapshot.noted_json import FieldError, Noted, settle, shown

_LOGGERS = "envoy.extensions.access_loggers."
_FILE = f"{_LOGGERS}file.v3.FileAccessLog"
_STREAMS = {f"{_LOGGERS}stream.v3.StdoutAccessLog": "/dev/stdout", f"{_LOGGERS}stream.v3.StderrAccessLog": "/dev/stderr"}
_REFUSED = ("NR",)

ENVOYS_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% '
    '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" '
    '"%UPSTREAM_HOST%"'
)
"""What Envoy writes where no format is given; Istio's has more."""


def _write_log(log: AccessLog) -> Json:
    if log.json:
        form: Json = {"jsonFormat": dict(log.json_format or JSON_FORMAT)}
    else:
        format_ = log.format or TEXT_FORMAT
        form = {"textFormatSource": {"inlineString": format_ if format_.endswith("\n") else f"{format_}\n"}}
    message = typed("envoy.access_loggers.file", _FILE, {"path": log.path, "logFormat": form})
    return {**message, "filter": {"responseFlagFilter": {"flags": list(log.flags)}}} if log.flags else message


def _read_log(found: Any) -> AccessLog:
    kind = kind_of(found)
    if kind != _FILE and kind not in _STREAMS:
        raise FieldError("", f"expected a log to a file or a standard stream, found {kind or 'no type'}")
    config = typed_config(found)
    return attrs.evolve(_read_format(config), path=_STREAMS.get(kind) or read_text(config["path"]), flags=_read_flags(found))


_read_whole_log = whole(_read_log, "AccessLog")


def _read_format(config: Json) -> AccessLog:
    """Read the format, in today's spelling and in the older ones."""
    form = config.get("logFormat", {})
    fields = form.get("jsonFormat", config.get("jsonFormat", config.get("typedJsonFormat")))
    if fields is not None:
        return _read_json_format(fields)
    said = form.get("textFormatSource", {}).get("inlineString", form.get("textFormat", config.get("format")))
    if said == TEXT_FORMAT:
        return AccessLog("")
    return AccessLog("", ENVOYS_FORMAT if said is None else read_text(said).removesuffix("\n"))


def _read_json_format(found: Json) -> AccessLog:
    fields = tuple(found.items())
    for key, value in fields:
        if not isinstance(value, str):
            raise FieldError("", f"jsonFormat: expected texts, found {shown(value)} at {key}")
    return AccessLog("", json=True, json_format=() if dict(fields) == dict(JSON_FORMAT) else fields)


def _read_flags(found: Json) -> tuple[str, ...]:
    """Read for which response flags a log is written; with another filter it is written for all."""
    chosen = found.get("filter")
    if chosen is None:
        return ()
    flags = tuple(map(read_text, read_list(chosen.get("responseFlagFilter", {}).get("flags", []))))
    if not flags and isinstance(chosen, Noted):
        settle(chosen)
        chosen.report.note(chosen.place, "expected responseFlagFilter with flags, found another filter", "every line is written")
    return flags


def _read_logs(found: Any) -> tuple[AccessLog, ...]:
    return read_many(found, _read_whole_log, "access log")


def _read_refusal_logs(found: Any) -> tuple[AccessLog, ...]:
    """Read a listener's own access logs, of which meshd writes what connections that no chain took would."""
    logs = _read_logs(found)
    for log, item in zip(logs, found, strict=False):
        if log.flags != _REFUSED and isinstance(item, Noted):
            item.report.note(item.place, "expected a filter for the response flag NR", "only connections that no filter chain takes are written")
    return tuple(attrs.evolve(log, flags=()) for log in logs)


def _read_filter_logs(found: Any) -> tuple[AccessLog, ...]:
    """Read a network filter's access logs, which workers write whole."""
    for item in found if isinstance(found, list) else ():
        if isinstance(item, Noted) and item.get("filter") is not None:
            item.report.note(item.place_of(("filter",)), "expected no filter: it is read, and not done yet", "every line is written")
    return _read_logs(found)


ACCESS_LOGS = Row("access_logs", ("accessLog",), lambda logs: [_write_log(log) for log in logs], _read_filter_logs, ())
"""Access logs of a network filter."""


def write_refusal_logs(logs: tuple[AccessLog, ...]) -> list[Json]:
    """Give a listener's own access logs, which hold only connections that no chain took."""
    return [_write_log(attrs.evolve(log, flags=_REFUSED)) for log in logs]


REFUSAL_LOGS = Row("access_logs", ("accessLog",), write_refusal_logs, _read_refusal_logs, ())
"""Access logs of a listener."""
