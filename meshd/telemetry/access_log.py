"""Access log lines: a format string made one function, once; Istio's own format without going through its operators."""

from collections.abc import Callable, Sequence
from json.encoder import encode_basestring_ascii
from typing import Protocol

from meshd.base.log_formats import JSON_FORMAT, TEXT_FORMAT
from meshd.telemetry.escaping import Escaped, Texts, escape
from meshd.telemetry.log_format import Part, parse_format
from meshd.telemetry.log_operators import Get, Value
from meshd.telemetry.log_times import IsoTime
from meshd.telemetry.logged import Logged

__all__ = ["Logged", "WriteLine", "compile_format", "find_problems"]

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
    def json_format(self) -> tuple[tuple[str, str], ...]:
        """Key to format string; empty for Istio's."""


def compile_format(settings: LogSettings, hostname: str = "") -> WriteLine:
    """
    Return what makes a line of an exchange or connection.

    Args:
        settings: Of the access log; an operator that is not known logs as `-`, `find_problems` tells of it.
        hostname: For `%HOSTNAME%`.
    """
    if settings.json or settings.json_format:
        return _compile_json(settings.json_format or JSON_FORMAT, hostname)
    text = settings.format or TEXT_FORMAT
    if not text.endswith("\n"):
        text += "\n"
    return _default_line() if text == TEXT_FORMAT else _compile_text(parse_format(text, hostname)[0])


def find_problems(settings: LogSettings) -> list[str]:
    """Say what is wrong with the formats of an access log: operators that are not known, arguments that they do not take."""
    texts = [text for _, text in settings.json_format] if settings.json_format else [settings.format]
    return [problem for text in texts for problem in parse_format(text)[1]]


def _compile_text(parts: Sequence[Part]) -> WriteLine:
    """Join literal text and operators."""
    template = "".join([part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts])
    getters = [part for part in parts if not isinstance(part, str)]

    def line(logged: Logged) -> str:
        return template % tuple([_as_text(get(logged)) for get in getters])
    return line


def _as_text(value: Value) -> str:
    """Write one value in a text line."""
    if value is None:
        return "-"
    return escape(value) if isinstance(value, bytes) else str(value)


def _compile_json(fields: Sequence[tuple[str, str]], hostname: str) -> WriteLine:
    """Write an object, keys in order of the alphabet as Envoy has them; a field that is one operator keeps its type and may be null."""
    names: list[str] = []
    getters: list[Get] = []
    for name, text in sorted(fields):
        parts, _ = parse_format(text, hostname)
        names.append(encode_basestring_ascii(name).replace("%", "%%"))
        getters.append(parts[0] if len(parts) == 1 and not isinstance(parts[0], str) else _joined(parts))
    template = "{" + ",".join([f"{name}:%s" for name in names]) + "}\n"

    def line(logged: Logged) -> str:
        return template % tuple([_as_json(get(logged)) for get in getters])
    return line


def _joined(parts: Sequence[Part]) -> Get:
    """Make one text of literal text and operators; JSON escapes it later."""
    def get(logged: Logged) -> bytes:
        values = [part.encode() if isinstance(part, str) else part(logged) for part in parts]
        return b"".join([b"-" if value is None else value if isinstance(value, bytes) else str(value).encode() for value in values])
    return get


def _as_json(value: Value) -> str:
    """Write one value as JSON; bytes over 127 stand for themselves, as in latin-1."""
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    return encode_basestring_ascii(value.decode("latin-1") if isinstance(value, bytes) else value)


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
            authority = known[request.authority or b"-"]
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
