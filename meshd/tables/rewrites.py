"""Rewriting what a request asks for: its path, by prefix or regular expression, and its authority."""

from collections.abc import Callable

import re2

from meshd.codec.headers import Headers
from meshd.snapshot.route import RegexRewrite, RouteMatch
from meshd.tables.interfaces import BuildError, Exchange

DIGITS = tuple("0123456789")
Rewrite = Callable[[bytes], bytes]
"""From a normalized path with its query to another one."""


def build_rewrite(match: RouteMatch, prefix_rewrite: str | None, regex_rewrite: RegexRewrite | None) -> Rewrite | None:
    """
    Return what rewrites the paths that a match takes; None where they stay.

    A rewritten path begins with a slash, and holds no blank: another upstream may not be told of than the one chosen, and no second request.

    Args:
        match: Its prefix, or whatever else it held against the path, is what `prefix_rewrite` takes the place of.
        prefix_rewrite: Empty or None: no rewriting.
        regex_rewrite: Where there is no `prefix_rewrite`.

    Raises:
        BuildError: If the expression is no RE2, or the substitution quotes a group that it has not.
    """
    if prefix_rewrite:
        new = _in_a_path(prefix_rewrite.encode())
        if match.kind in ("prefix", "path_separated_prefix"):
            length = len(match.path.encode())
            return lambda path: _with_slash(new + path[length:])
        return lambda path: _with_slash(new + _query(path))
    if regex_rewrite is None:
        return None
    replace = build_replace(regex_rewrite)

    def rewrite(path: bytes) -> bytes:
        query = _query(path)
        return _with_slash(_in_a_path(replace(path[:len(path) - len(query)])) + query)

    return rewrite


def build_replace(rewrite: RegexRewrite) -> Rewrite:
    """
    Return what replaces every match of an expression in a text.

    Raises:
        BuildError: As `build_rewrite`.

    Source:
        RE2::GlobalReplace: no empty match right behind another match.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        expression = re2.compile(rewrite.pattern, options)
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BuildError((f"regex {rewrite.pattern!r}: {detail}",)) from None
    pieces = _read_substitution(rewrite, expression.groups)

    def replace(text: bytes) -> bytes:
        found: list[bytes] = []
        last = -1
        for match in expression.finditer(text):
            start, end = match.span()
            if start == end == last:
                continue
            found.append(text[max(last, 0):start])
            found += [piece if isinstance(piece, bytes) else match.group(piece) or b"" for piece in pieces]
            last = end
        found.append(text[max(last, 0):])
        return b"".join(found)

    return replace


def _read_substitution(rewrite: RegexRewrite, groups: int) -> list[bytes | int]:
    """Take a substitution apart: literal bytes and numbers of groups, 0 for the whole match."""
    pieces: list[bytes | int] = []
    letters = iter(rewrite.substitution)
    for letter in letters:
        quoted = next(letters, "") if letter == "\\" else ""
        if quoted in DIGITS and int(quoted) <= groups:
            pieces.append(int(quoted))
        elif letter != "\\" or quoted == "\\":
            pieces.append(letter.encode())
        else:
            raise BuildError((f"substitution {rewrite.substitution!r}: expected \\0 to \\{groups} or \\\\, got \\{quoted}",))
    return pieces


def _query(path: bytes) -> bytes:
    """Give the query with its mark, empty for none."""
    start = path.find(b"?")
    return path[start:] if start >= 0 else b""


def _in_a_path(text: bytes) -> bytes:
    """Escape what would end a path."""
    if text.isalnum():
        return text
    return b"".join([bytes((byte,)) if 32 < byte < 127 and byte != 35 else b"%%%02X" % byte for byte in text])


def _with_slash(path: bytes) -> bytes:
    return path if path.startswith(b"/") else b"/" + path


def rewrite_path(exchange: Exchange, rewrite: Rewrite) -> None:
    """Rewrite an exchange's path; log and upstream are told of the one before."""
    headers = exchange.request.headers
    if not exchange.quiet:
        headers.set(b"x-envoy-original-path", exchange.path)
    exchange.path = rewrite(exchange.path)


def rewrite_authority(exchange: Exchange, authority: bytes, append_forwarded_host: bool) -> None:
    """
    Give a request another authority; the upstream is told of the one before.

    Source:
        Envoy's Utility::updateAuthority.
    """
    request = exchange.request
    headers, before = request.headers, request.authority
    if not exchange.quiet:
        headers.set(b"x-envoy-original-host", before)
    if append_forwarded_host and before:
        _append_forwarded_host(headers, before)
    request.authority = authority


def _append_forwarded_host(headers: Headers, authority: bytes) -> None:
    known = headers.joined(b"x-forwarded-host")
    if not known:
        headers.set(b"x-forwarded-host", authority)
    elif known.rpartition(b",")[2].strip() != authority:
        headers.set(b"x-forwarded-host", known + b"," + authority)
