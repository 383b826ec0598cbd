"""Operators that tell when something happened, and how long it took."""

from collections.abc import Callable
from typing import Final

from meshd.telemetry.log_times import compile_time_format
from meshd.telemetry.log_values import Build, Get, Surroundings, Value, absent, never, plain
from meshd.telemetry.logged import Logged

Point = Callable[[Logged], float]
"""Gives a moment, monotonic seconds; negative where there is none."""

PRECISIONS: Final = {"": 1_000, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
NOT_TAKEN: Final = "meshd does not take this time; it is logged as -"


def _build_start_time(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make START_TIME of a format."""
    format_time, problems = compile_time_format(argument)
    return lambda logged: format_time(logged.started_wall), "; ".join(problems)


def _build_emit_time(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make EMIT_TIME of a format."""
    format_time, problems = compile_time_format(argument)
    return lambda logged: format_time(logged.started_wall + logged.duration), "; ".join(problems)


def _began(logged: Logged) -> float:
    return logged.started_at


def _request_read(logged: Logged) -> float:
    return -1.0 if logged.request is None or not logged.request.method else logged.completed_at


def _answer_began(logged: Logged) -> float:
    return -1.0 if logged.service_time < 0 else logged.completed_at + logged.service_time / 1000


def _ended(logged: Logged) -> float:
    return -1.0 if logged.response is None else logged.started_at + logged.duration


POINTS: Final[dict[str, Point]] = {
    "DS_RX_BEG": _began,
    "DS_RX_END": _request_read,
    "US_RX_BEG": _answer_began,
    "DS_TX_END": _ended,
}
"""Moments that meshd takes, by Envoy's names."""
NOT_POINTS: Final = frozenset((
    "US_CX_BEG", "US_CX_END", "US_HS_END", "US_TX_BEG", "US_TX_END", "US_RX_BODY_BEG", "US_RX_END", "DS_TX_BEG", "DS_HS_END", "DS_ACK",
))


def between(start: Point, end: Point, each_second: int = 1000) -> Get:
    """Make what gets the time from one moment to another."""
    def get(logged: Logged) -> Value:
        began, ended = start(logged), end(logged)
        return None if began < 0 or ended < began else int((ended - began) * each_second + 1e-6)
    return get


def _build_from_to(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
    """Make COMMON_DURATION of `START:END` or `START:END:PRECISION`."""
    start, _, rest = argument.partition(":")
    end, _, precision = rest.partition(":")
    if not start or not end or precision not in PRECISIONS:
        return absent, "expected START:END or START:END:PRECISION, the precision being ms, us or ns"
    unknown = [name for name in (start, end) if name not in POINTS]
    if unknown:
        made_up = [name for name in unknown if name not in NOT_POINTS]
        return absent, f"{made_up[0]} is no moment that Envoy knows" if made_up else f"{unknown[0]}: {NOT_TAKEN}"
    return between(POINTS[start], POINTS[end], PRECISIONS[precision]), ""


TIME_OPERATORS: Final[dict[str, Build]] = {
    "COMMON_DURATION": _build_from_to,
    "DOWNSTREAM_HANDSHAKE_DURATION": never(),  # TLS is not ended yet
    "DURATION": plain(lambda logged: int(logged.duration * 1000)),
    "EMIT_TIME": _build_emit_time,
    "EMIT_TIME_LOCAL": never("expected EMIT_TIME: meshd writes times as UTC; it is logged as -"),
    "REQUEST_DURATION": plain(between(_began, _request_read)),
    "REQUEST_TX_DURATION": never(NOT_TAKEN),
    "RESPONSE_DURATION": plain(between(_began, _answer_began)),
    "RESPONSE_TX_DURATION": plain(between(_answer_began, _ended)),
    "ROUNDTRIP_DURATION": never(),  # of QUIC
    "START_TIME": _build_start_time,
    "START_TIME_LOCAL": never("expected START_TIME: meshd writes times as UTC; it is logged as -"),
    "UPSTREAM_CONNECTION_POOL_READY_DURATION": never(NOT_TAKEN),
}
"""By name."""
