"""What is taken off a request's authority before anything looks at it."""

import attrs

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.snapshot.network_filter import HttpConnectionManager


def shorten_authority(manager: HttpConnectionManager, call: Call, answer: Answer) -> Call:
    """
    Return a request without the dot at the end of its host and without its port, where the connection manager takes them off.

    Source:
        Envoy's maybeNormalizeHost: the dot goes first; a port that is no number stays.
    """
    authority = call.authority
    before, dot, behind = authority.rpartition(".")
    if manager.strip_trailing_host_dot and dot and behind[:1] in ("", ":"):
        authority = before + behind
    host, port = _split(authority)
    if port and (manager.strip_host_port == "any" or (manager.strip_host_port == "matching" and int(port) == call.port)):
        authority = host
    if authority != call.authority:
        answer.took("authority", f"{call.authority} is shortened to {authority}")
    return attrs.evolve(call, authority=authority)


def _split(authority: str) -> tuple[str, str]:
    """Return host and port; the whole and nothing where what is behind the last colon is no number, or stands within brackets."""
    host, colon, port = authority.rpartition(":")
    number = colon and port.isascii() and port.isdigit() and len(port) <= 10
    return (host, port) if number else (authority, "")
