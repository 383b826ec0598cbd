"""The header `grpc-timeout`: how long a gRPC client waits."""

from typing import Final

from meshd.codec.headers import Headers

NAME: Final = b"grpc-timeout"
MILLISECONDS: Final = {b"H": 3_600_000.0, b"M": 60_000.0, b"S": 1000.0, b"m": 1.0, b"u": 0.001, b"n": 0.000_001}
LARGER: Final = ((b"m", 1), (b"S", 1000), (b"M", 60_000), (b"H", 3_600_000))
MOST: Final = 99_999_999  # eight digits (gRPC over HTTP/2, Requests)


def read_grpc_timeout(headers: Headers) -> float | None:
    """Give the timeout that a request asks for, seconds, rounded up to a millisecond; None where it asks for none or what it says is nothing."""
    value = headers.first.get(NAME)
    if value is None:
        return None
    digits, factor = value[:-1], MILLISECONDS.get(value[-1:])
    if factor is None or not digits.isdigit() or len(digits) > 8:
        return None
    return -(-int(digits) * factor // 1) / 1000


def write_grpc_timeout(headers: Headers, seconds: float) -> None:
    """Ask for a timeout instead, in the smallest unit of which eight digits are enough."""
    milliseconds = round(seconds * 1000)
    unit, factor = next((pair for pair in LARGER if milliseconds // pair[1] <= MOST), LARGER[-1])
    headers.set(NAME, b"%d%b" % (min(milliseconds // factor, MOST), unit))
