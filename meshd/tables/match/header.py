"""Conditions on a header, pseudo headers among them."""

from collections.abc import Callable

from meshd.snapshot.match import HeaderMatch
from meshd.tables.interfaces import Condition, Exchange
from meshd.tables.match.string import build_string

ReadHeader = Callable[[Exchange], bytes | None]


def _method(exchange: Exchange) -> bytes | None:
    return exchange.request.method


def _authority(exchange: Exchange) -> bytes | None:
    return exchange.request.authority or None


def _path(exchange: Exchange) -> bytes | None:
    return exchange.path or None


def _scheme(exchange: Exchange) -> bytes | None:
    forwarded = exchange.request.headers.first.get(b"x-forwarded-proto")
    return forwarded if forwarded in (b"http", b"https") else b"http"


PSEUDO_HEADERS: dict[str, ReadHeader] = {
    ":method": _method,
    ":authority": _authority,
    "host": _authority,  # Envoy's other name for :authority
    ":path": _path,
    ":scheme": _scheme,
}


def build_reader(name: str) -> ReadHeader:
    """Return what gives a header's value, repeated lines joined with `,`, or None where there is no such header."""
    if name in PSEUDO_HEADERS:
        return PSEUDO_HEADERS[name]
    key = name.lower().encode()
    return lambda exchange: exchange.request.headers.joined(key)


def build_header(match: HeaderMatch) -> Condition:
    """
    Return the condition that a header match asks for.

    Raises:
        BuildError: If its value is a regular expression that RE2 does not take.

    Source:
        Envoy's HeaderUtility: a missing header fails a condition on its value, inverted or not, unless it counts as empty;
        a presence condition with `treat_missing_as_empty` takes the header as there.
    """
    read = build_reader(match.name)
    if match.value is None:
        return _build_presence(read, match)
    test = build_string(match.value)
    wanted, missing = not match.invert, b"" if match.treat_missing_as_empty else None

    def holds(exchange: Exchange) -> bool:
        value = read(exchange)
        if value is None:
            value = missing
            if value is None:
                return False
        return test(value) is wanted

    return holds


def _build_presence(read: ReadHeader, match: HeaderMatch) -> Condition:
    if match.treat_missing_as_empty:
        always = match.present is not match.invert
        return lambda exchange: always
    if match.present is not match.invert:
        return lambda exchange: read(exchange) is not None
    return lambda exchange: read(exchange) is None
