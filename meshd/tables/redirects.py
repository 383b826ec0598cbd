"""Answers without an upstream: redirects and direct responses."""

from collections.abc import Callable

from meshd.snapshot.replies import Reply
from meshd.snapshot.route import DirectResponse, Redirect, RouteMatch
from meshd.tables.interfaces import Exchange
from meshd.tables.match.header import scheme_of
from meshd.tables.rewrites import build_rewrite, rewrite_path

GiveAnswer = Callable[[Exchange], Reply]

DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
LOCATED = (201, *range(300, 400))
"""Statuses of direct responses that name a place, the request's own."""


def build_direct(action: DirectResponse) -> GiveAnswer:
    """Return what gives a direct response."""
    if action.status in LOCATED:
        return build_redirect(Redirect(action.status), RouteMatch(), action.body)
    reply = Reply(action.status, "", "direct_response", action.body, changes="after")
    return lambda exchange: reply


def build_redirect(action: Redirect, match: RouteMatch, body: str = "") -> GiveAnswer:
    """
    Return what answers with another place.

    Raises:
        BuildError: If its path cannot be rewritten as it says.

    Source:
        Envoy's Utility::newUri.
    """
    rewrite = build_rewrite(match, action.prefix_rewrite, action.regex_rewrite)
    port = f":{action.port}".encode() if action.port else b""
    path, host, scheme = action.path.encode(), action.host.encode(), action.scheme.encode()
    if path and not path.startswith(b"/"):
        path = b"/" + path
    keeps_query = not action.strip_query
    has_query = b"?" in path

    def answer(exchange: Exchange) -> Reply:
        if rewrite is not None:
            rewrite_path(exchange, rewrite)
        new_scheme = scheme or scheme_of(exchange)
        new_path = path
        if not has_query:
            before, mark, query = exchange.path.partition(b"?")
            new_path = (path or before) + (mark + query if keeps_query else b"")
        location = new_scheme + b"://" + (host or _own_host(exchange, new_scheme, port)) + port + new_path
        return Reply(action.status, "", "direct_response", body, (("location", location.decode("latin-1")),), changes="after")

    return answer


def _own_host(exchange: Exchange, scheme: bytes, port: bytes) -> bytes:
    """
    Give a request's authority, without its port where another one is named, or where it is the default of a scheme that changes.

    Source:
        Envoy's processRequestHost, which goes by `x-forwarded-proto`.
    """
    request = exchange.request
    authority = request.authority
    colon = authority.rfind(b":")
    if colon < 0 or (authority.startswith(b"[") and authority[colon - 1:colon] != b"]"):
        return authority
    before = request.headers.first.get(b"x-forwarded-proto", b"http")
    if port or (scheme != before and authority[colon:] == DEFAULT_PORTS.get(before.lower())):
        return authority[:colon]
    return authority


def to_https(exchange: Exchange) -> Reply:
    """Answer with the same place by way of https."""
    location = b"https://" + exchange.request.authority + exchange.path
    return Reply(301, "", "direct_response", headers=(("location", location.decode("latin-1")),), changes="never")
