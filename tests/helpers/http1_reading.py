"""Play bytes to an HTTP/1 reader in pieces and tell what it made of them, in a form that two plays can be compared by."""

from collections.abc import Iterable
from itertools import pairwise

from meshd.codec.http1_request import RequestReader
from meshd.codec.http1_response import ResponseReader
from meshd.codec.http_events import RequestHead, ResponseHead

Event = tuple[object, ...]


def request_fields(head: RequestHead) -> Event:
    """Give all that a request's head says."""
    return (head.method, head.target, head.authority, tuple(head.headers.pairs), head.protocol, head.length, head.keep_alive, head.upgrade,
            head.expects_continue, head.refused)


def response_fields(head: ResponseHead) -> Event:
    """Give all that a response's head says."""
    return head.status, tuple(head.headers.pairs), head.length, head.keep_alive, head.upgrade


def joined(events: Iterable[Event]) -> list[Event]:
    """Give the events with neighbouring pieces of a body made one: how a body is cut up is of no account."""
    result: list[Event] = []
    for event in events:
        if event[0] == "body" and result and result[-1][0] == "body":
            result[-1] = ("body", bytes(result[-1][1]) + bytes(event[1]))  # type: ignore[call-overload]  # reason: both are bytes
        else:
            result.append(event)
    return result


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut bytes at the given places; those beyond the end do not count."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def play_requests(parts: Iterable[bytes], accept_http_10: bool = False, max_head_bytes: int = 60 * 1024) -> list[Event]:
    """Feed a request reader that goes on at once after each request; the last event is what was refused, or nothing."""
    events: list[Event] = []

    def on_end() -> None:
        events.append(("end",))
        reader.resume()

    reader = RequestReader(
        lambda head: events.append(("request", request_fields(head))), lambda data: events.append(("body", data)), on_end,
        accept_http_10=accept_http_10, max_head_bytes=max_head_bytes,
    )
    for part in parts:
        reason = reader.feed(part)
        if reason:
            events.append(("refused", reason))
            break
    return joined(events)


def play_response(parts: Iterable[bytes], method: bytes = b"GET", upgrade: bytes = b"", finish: bool = False) -> list[Event]:
    """Feed a response reader that expects one response; with `finish`, the upstream closes at last."""
    events: list[Event] = []
    reader = ResponseReader(
        lambda head: events.append(("response", response_fields(head))), lambda data: events.append(("body", data)), lambda: events.append(("end",)),
    )
    reader.expect(method, upgrade)
    for part in parts:
        reason = reader.feed(part)
        if reason:
            events.append(("refused", reason))
            return joined(events)
    if finish:
        reason = reader.end()
        if reason:
            return joined([*events, ("refused", reason)])
    if reader.held:
        events.append(("held", reader.take_rest()))
    return joined(events)
