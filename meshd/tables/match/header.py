"""Conditions on a header, pseudo headers among them."""

from collections.abc import Sequence

from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.tables.interfaces import Condition, Exchange, ReadValues
from meshd.tables.match.asked import Asked, wanted_by
from meshd.tables.match.string import build_string

MISSING: tuple[bytes, ...] = ()
EMPTY = (b"",)


def _method(exchange: Exchange) -> Sequence[bytes]:
    return (exchange.request.method,)


def _authority(exchange: Exchange) -> Sequence[bytes]:
    return (exchange.request.authority,)


def _path(exchange: Exchange) -> Sequence[bytes]:
    return (exchange.path,) if exchange.path else MISSING


def _scheme(exchange: Exchange) -> Sequence[bytes]:
    return (scheme_of(exchange),)


def scheme_of(exchange: Exchange) -> bytes:
    """Give a request's scheme: what an absolute target says, else what `x-forwarded-proto` says, if that is https."""
    request = exchange.request
    if request.scheme:
        return request.scheme
    return b"https" if request.headers.first.get(b"x-forwarded-proto", b"").lower() == b"https" else b"http"


def _forwarded_proto(exchange: Exchange) -> Sequence[bytes]:
    return _ordinary(b"x-forwarded-proto")(exchange) or (b"http",)  # set on every request that comes without one


PSEUDO_HEADERS: dict[str, ReadValues] = {
    ":method": _method,
    ":authority": _authority,
    "host": _authority,  # Envoy's other name for :authority
    ":path": _path,
    ":scheme": _scheme,
    "x-forwarded-proto": _forwarded_proto,
}


def build_reader(name: str) -> ReadValues:
    """Return what gives a header's values, a pseudo header's among them."""
    name = name.lower()
    return PSEUDO_HEADERS.get(name) or _ordinary(name.encode())


def _ordinary(key: bytes) -> ReadValues:
    def read(exchange: Exchange) -> Sequence[bytes]:
        headers = exchange.request.headers
        value = headers.first.get(key)
        if value is None:
            return MISSING
        if len(headers.first) == len(headers.pairs):
            return (value,)
        return [value for name, value in headers.pairs if name == key]

    return read


def _of_response(name: str) -> ReadValues:
    """Return what gives a response's values of a header, its status among them."""
    key = name.lower().encode()

    def read(exchange: Exchange) -> Sequence[bytes]:
        head = exchange.response
        if head is None:
            return MISSING
        if key == b":status":
            return (b"%d" % head.status,)
        return [value for name, value in head.headers.pairs if name == key]

    return read


def build_response_header(match: HeaderMatch) -> Condition:
    """
    Return the condition that a match asks of a response's headers.

    Raises:
        BuildError: As `build_header`.
    """
    return _build(match, _of_response(match.name))


def ask_header(match: HeaderMatch) -> Asked:
    """
    Return what a route asks of a header.

    Raises:
        BuildError: As `build_header`.
    """
    name = match.name.lower()
    exact, pattern = wanted_by(match.value) if match.value is not None and not match.invert else (None, None)
    if match.treat_missing_as_empty and not exact:
        exact = pattern = None
    slow = match.value is not None and match.value.kind == "regex"
    return Asked(build_header(match), slow, name, build_reader(name), exact, pattern)


def build_header(match: HeaderMatch) -> Condition:
    """
    Return the condition that a header match asks for.

    Raises:
        BuildError: If its value is a regular expression that RE2 does not take.

    Source:
        Envoy 1.40, as seen: of repeated lines each is looked at by itself, and one that matches is enough; a missing header fails a condition
        on its value, inverted or not, unless it counts as empty; a presence condition with `treat_missing_as_empty` takes the header as there.
    """
    name = match.name.lower()
    return _build(match, build_reader(name)) if match.value is None or name in PSEUDO_HEADERS else _build_ordinary(match, name.encode(), match.value)


def _build_ordinary(match: HeaderMatch, key: bytes, value: StringMatch) -> Condition:
    """Return what `_build` returns, quicker: most headers have one line."""
    test, invert = build_string(value), match.invert
    when_missing = match.treat_missing_as_empty and test(b"") is not invert

    def holds(exchange: Exchange) -> bool:
        headers = exchange.request.headers
        first = headers.first.get(key)
        if first is None:
            return when_missing
        if test(first):
            return not invert
        if len(headers.first) != len(headers.pairs):
            for name, text in headers.pairs:
                if name == key and test(text):
                    return not invert
        return invert

    return holds


def _build(match: HeaderMatch, read: ReadValues) -> Condition:
    if match.value is None:
        return _build_presence(read, match)
    test = build_string(match.value)
    found, not_found = not match.invert, match.invert
    missing = EMPTY if match.treat_missing_as_empty else MISSING

    def holds(exchange: Exchange) -> bool:
        values = read(exchange) or missing
        if not values:
            return False
        for value in values:
            if test(value):
                return found
        return not_found

    return holds


def _build_presence(read: ReadValues, match: HeaderMatch) -> Condition:
    if match.treat_missing_as_empty:
        always = match.present is not match.invert
        return lambda exchange: always
    if match.present is not match.invert:
        return lambda exchange: bool(read(exchange))
    return lambda exchange: not read(exchange)
