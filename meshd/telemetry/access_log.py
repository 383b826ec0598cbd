"""Access log lines: a format string made one function, once; Istio's own format without going through its operators."""

import json
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.telemetry.escaping import Escaped, Texts, escape
from meshd.telemetry.log_format import NOWHERE, Part, parse_format
from meshd.telemetry.log_json import compile_json, find_json_problems
from meshd.telemetry.log_times import IsoTime
from meshd.telemetry.log_values import Surroundings, Value
from meshd.telemetry.logged import Logged, read_authority

__all__ = ["Logged", "Surroundings", "WriteLine", "compile_format", "find_problems"]

ISTIO_JSON: Final = json.dumps(dict(JSON_FORMAT))

WriteLine = Callable[[Logged], str]
"""Gives one line, its newline included."""


class LogSettings(Protocol):
    """What to log: `snapshot.network_filter.AccessLog`."""

    @property
    def format(self) -> str:
        """Envoy format string; empty for Istio's default text (or JSON) format."""

    @property
    def json(self) -> bool:
        """Write JSON objects."""

    @property
    def json_format(self) -> str:
        """A JSON object of format strings, for `json`; empty for Istio's."""

    @property
    def omit_empty(self) -> bool:
        """Write nothing for what is absent."""


def compile_format(settings: LogSettings, surroundings: Surroundings = NOWHERE) -> WriteLine:
    """
    Return what makes a line of an exchange or connection.

    Args:
        settings: Of the access log; an operator that is not known logs as `-`, `find_problems` tells of it.
        surroundings: What operators tell of the process.
    """
    if settings.json:
        return compile_json(settings.json_format or ISTIO_JSON, surroundings, omit_empty=settings.omit_empty)
    text = settings.format or TEXT_FORMAT
    if not text.endswith("\n"):
        text += "\n"
    if text == TEXT_FORMAT and not settings.omit_empty:
        return _default_line()
    return _compile_text(parse_format(text, surroundings)[0], "" if settings.omit_empty else "-")


def find_problems(settings: LogSettings) -> list[str]:
    """Say what is wrong with the formats of an access log: operators that are not known, arguments that they do not take."""
    return find_json_problems(settings.json_format or ISTIO_JSON) if settings.json else parse_format(settings.format)[1]


def _compile_text(parts: Sequence[Part], nothing: str) -> WriteLine:
    """Join literal text and operators; `nothing` is what the absent is written as."""
    template = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts])
    getters = [part for part in parts if not isinstance(part, str)]

    def line(logged: Logged) -> str:
        return template % tuple([_as_text(get(logged), nothing) for get in getters])
    return line


def _as_text(value: Value, nothing: str) -> str:
    """Write one value in a text line."""
    if value is None:
        return nothing
    return escape(value) if isinstance(value, bytes) else str(value)


def _default_line() -> WriteLine:
    """Return what makes lines in Istio's default text format, by hand: no operator is called."""
    times = IsoTime()
    texts = Texts()
    names = Texts(keeps_blanks=True)
    known = Escaped()

    def line(logged: Logged) -> str:
        request = logged.request
        connection = logged.connection
        cluster = logged.cluster
        host = logged.upstream_host
        route = logged.route
        if request is None:
            method = path = forwarded_for = agent = request_id = authority = protocol = service_time = "-"
        else:
            headers = request.headers
            first = headers.first
            response = logged.response
            forwarded_for = "-" if b"x-forwarded-for" not in first else escape(headers.joined(b"x-forwarded-for") or b"")
            method = known[request.method or b"-"]
            path = escape(first.get(b"x-envoy-original-path", logged.path or b"-"))
            agent = known[first.get(b"user-agent", b"-")]
            request_id = escape(first.get(b"x-request-id", b"-"))
            authority = known[request.authority] if request.authority else "-" if read_authority(request) is None else ""
            service_time = "-" if response is None else known[response.headers.first.get(b"x-envoy-upstream-service-time", b"-")]
            protocol = request.protocol
        return (
            f'[{times.at(logged.started_wall)}] "{method} {path} {protocol}" {logged.status} {logged.flags or "-"} {texts[logged.details]} - '
            f'"{texts[logged.failure]}" {logged.bytes_received} {logged.bytes_sent} {int(logged.duration * 1000)} {service_time} "{forwarded_for}" '
            f'"{agent}" "{request_id}" "{authority}" "{"-" if host is None else host.text}" {"-" if cluster is None else names[cluster.name]} '
            f'{logged.upstream_local or "-"} {connection.destination} {logged.source} {texts[connection.server_name]} '
            f'{"-" if route is None else names[route.name]}\n'
        )
    return line
