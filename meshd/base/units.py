"""Durations as operators write them, and as meshd keeps them: float seconds."""

import re

LONGEST = 2**63 / 1e9  # Go's time.Duration counts nanoseconds in 63 bits: 292 years

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# reason: this text is the operator's own file, bounded by the reader, and the pattern is linear
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|ms|us|ns|m|s)")


def parse_duration(text: str) -> float:
    """
    Read a duration as Istio writes it: `10s`, `1h30m`, `0.5s`, `250ms`.

    Returns:
        Seconds, never negative.

    Raises:
        ValueError: If the text is no duration, or longer than Go can count.

    Source:
        Go's time.ParseDuration, without signs.
    """
    if text == "0":
        return 0.0
    position, total = 0, 0.0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            break
        total += float(part.group(1)) * _UNITS[part.group(2)]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"expected a duration such as 10s, 1h30m or 250ms, got {text[:40]!r}")
    if total >= LONGEST:
        raise ValueError(f"expected a duration of less than 292 years, got {text[:40]!r}")
    return total


def format_duration(seconds: float) -> str:
    """Give a duration as protobuf's JSON does: `10s`, `0.250s`."""
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    for digits in (3, 6, 9):
        text = f"{seconds:.{digits}f}"
        if abs(float(text) - seconds) < 1e-9:
            break
    return f"{text}s"
