"""Changes of headers, compiled once a route into one step."""

from collections.abc import Callable, Sequence
from typing import cast

from meshd.codec.headers import Headers
from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.tables.headers.requests import SINGLE
from meshd.tables.interfaces import Exchange, Step
from meshd.telemetry.log_format import Part, parse_format
from meshd.telemetry.log_values import Surroundings
from meshd.telemetry.logged import Logged

Value = bytes | Callable[[Exchange], bytes]
"""A header's value, or what makes it."""
Rule = tuple[bytes, str, Value, bool]
"""Name, what becomes of headers of that name, value, and whether an empty one counts."""
Change = Callable[[Exchange, Headers], None]

FRAMING = frozenset((b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"host"))
"""What says where a message ends and for whom it is: never changed, since the two sides would read different messages."""
JOINED_IN_REQUESTS = SINGLE | {b"referer"}
"""Headers that Envoy keeps in one line: what is appended follows a comma."""
JOINED_IN_RESPONSES = frozenset((
    b"access-control-allow-credentials", b"access-control-allow-headers", b"access-control-allow-methods", b"access-control-allow-origin",
    b"access-control-expose-headers", b"access-control-max-age", b"age", b"cache-control", b"content-encoding", b"content-type", b"date", b"etag",
    b"expires", b"grpc-message", b"grpc-status", b"last-modified", b"location", b"proxy-status", b"server", b"vary", b"via", b"x-envoy-attempt-count",
    b"x-envoy-decorator-operation", b"x-envoy-degraded", b"x-envoy-immediate-health-check-fail", b"x-envoy-upstream-canary",
    b"x-envoy-upstream-service-time", b"x-request-id",
))


def change_headers(layer: HeaderChanges, surroundings: Surroundings) -> Change:
    """Return what makes changes in any headers."""
    return _build_layer(layer, frozenset(), surroundings)


def change_requests(layers: Sequence[HeaderChanges], surroundings: Surroundings) -> Step | None:
    """Return what makes changes, one layer after the other, in the headers of a request; None where there are none."""
    changes = _build_layers(layers, JOINED_IN_REQUESTS, surroundings)
    if not changes:
        return None

    def change(exchange: Exchange) -> None:
        headers = exchange.request.headers
        for apply in changes:
            apply(exchange, headers)

    return change


def change_responses(layers: Sequence[HeaderChanges], surroundings: Surroundings) -> Step | None:
    """Return what makes changes, one layer after the other, in the headers of an exchange's response; None where there are none."""
    changes = _build_layers(layers, JOINED_IN_RESPONSES, surroundings)
    if not changes:
        return None

    def change(exchange: Exchange) -> None:
        response = exchange.response
        if response is not None:
            for apply in changes:
                apply(exchange, response.headers)

    return change


def _build_layers(layers: Sequence[HeaderChanges], joined: frozenset[bytes], surroundings: Surroundings) -> list[Change]:
    return [_build_layer(layer, joined, surroundings) for layer in layers if layer.add or layer.remove]


def _build_layer(layer: HeaderChanges, joined: frozenset[bytes], surroundings: Surroundings) -> Change:
    """
    Make one layer's changes.

    Source:
        Envoy's HeaderParser::evaluateHeaders: what is taken away goes first, all values are made of what is left, then headers are
        overwritten (which puts them at the end), then added.
    """
    removed = [name for name in map(_name, layer.remove) if name not in FRAMING]
    rules = [_rule(change, surroundings) for change in layer.add if _name(change.name) not in FRAMING]

    def apply(exchange: Exchange, headers: Headers) -> None:
        for name in removed:
            headers.remove(name)
        added: list[tuple[bytes, bytes]] = []
        overwritten: list[tuple[bytes, bytes]] = []
        for name, action, value, keep_empty in rules:
            if not isinstance(value, bytes):
                value = value(exchange)
            if not value and not keep_empty:
                continue
            if action == "APPEND_IF_EXISTS_OR_ADD" or (action == "ADD_IF_ABSENT" and name not in headers.first):
                added.append((name, value))
            elif action == "OVERWRITE_IF_EXISTS_OR_ADD" or (action == "OVERWRITE_IF_EXISTS" and name in headers.first):
                overwritten.append((name, value))
        for name, value in overwritten:
            headers.remove(name)
            headers.add(name, value)
        for name, value in added:
            before = headers.joined(name) if name in joined else None
            if before is None:
                headers.add(name, value)
            else:
                headers.set(name, before + b"," + value)

    return apply


def _name(name: str) -> bytes:
    return name.lower().encode()


def _rule(change: HeaderChange, surroundings: Surroundings) -> Rule:
    return _name(change.name), change.action, _build_value(parse_format(change.value, surroundings)[0]), change.keep_empty


def _build_value(parts: Sequence[Part]) -> Value:
    """Return a value, or what makes it; an operator without a value stands for nothing, and no line break comes in."""
    if all(isinstance(part, str) for part in parts):
        return _in_one_line(b"".join([part.encode() for part in parts if isinstance(part, str)]))

    def value(exchange: Exchange) -> bytes:
        logged = cast(Logged, exchange)
        pieces: list[bytes] = []
        for part in parts:
            found = part if isinstance(part, str) else part(logged)
            if found is not None:
                pieces.append(found if isinstance(found, bytes) else str(found).encode())
        return _in_one_line(b"".join(pieces))

    return value


def _in_one_line(value: bytes) -> bytes:
    return value.replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b" ")
