"""Where a request goes in the end: rewritten paths and authorities, and the places that redirects name."""

import re2

from meshd.snapshot.route import Redirect, RegexRewrite, RouteMatch

PORTS = {"http": ":80", "https": ":443"}


def rewrite_path(match: RouteMatch, prefix: str | None, regex: RegexRewrite | None, target: str) -> str:
    """Return a target as a route rewrites it; as it is, where the route does not."""
    path, mark, query = target.partition("?")
    if prefix:
        end = len(match.path) if match.kind in ("prefix", "path_separated_prefix") else len(path)
        path = _escaped(prefix) + path[end:]
    elif regex is not None:
        path = _escaped(_replaced(regex, path))
    else:
        return target
    return ("" if path.startswith("/") else "/") + path + mark + query


def _escaped(text: str) -> str:
    """Escape blanks, fragments, and bytes beyond ASCII: they would end the path."""
    return "".join(chr(byte) if "!" <= chr(byte) <= "~" and byte != ord("#") else f"%{byte:02X}" for byte in text.encode())


def _replaced(regex: RegexRewrite, text: str) -> str:
    """
    Replace every match.

    Source:
        RE2::GlobalReplace, step by step: an empty match at the end of the last one is passed over.
    """
    expression = re2.compile(regex.pattern)
    out, place, last = "", 0, -1
    while place <= len(text):
        match = expression.search(text, place)
        if match is None:
            break
        out += text[place:match.start()]
        place = match.start()
        if match.end() == place == last:
            out += text[place:place + 1]
            place += 1
            continue
        out += _expanded(regex.substitution, match)
        place = last = match.end()
    return out + text[place:]


def _expanded(substitution: str, match: "re2._Match[str]") -> str:
    pieces, quoted = "", False
    for letter in substitution:
        if quoted:
            pieces += letter if letter == "\\" else match.group(int(letter)) or ""
        elif letter != "\\":
            pieces += letter
        quoted = letter == "\\" and not quoted
    return pieces


def redirect_location(redirect: Redirect, match: RouteMatch, scheme: str, forwarded: str, authority: str, target: str) -> str:
    """
    Return the place that a redirect names.

    Args:
        redirect: The route's.
        match: The route's.
        scheme: The request's.
        forwarded: Its `x-forwarded-proto`.
        authority: Its authority.
        target: Its normalized path with query.

    Source:
        Envoy's newUri and processRequestHost.
    """
    new_scheme = redirect.scheme or scheme
    path, mark, query = rewrite_path(match, redirect.prefix_rewrite, redirect.regex_rewrite, target).partition("?")
    rest = "" if redirect.strip_query else mark + query
    if redirect.path:
        path = redirect.path if redirect.path[0] == "/" else "/" + redirect.path
    if "?" in redirect.path:
        rest = ""
    port = f":{redirect.port}" if redirect.port else ""
    host = redirect.host or authority
    if not redirect.host:
        name, own_port = _split(authority)
        if port or (new_scheme != forwarded and own_port == PORTS.get(forwarded.lower(), "none")):
            host = name
    return f"{new_scheme}://{host}{port}{path}{rest}"


def _split(authority: str) -> tuple[str, str]:
    """Take the port off an authority, with its colon."""
    if authority.startswith("["):
        name, bracket, port = authority.rpartition("]:")
        return (name + "]", ":" + port) if bracket else (authority, "")
    name, colon, port = authority.rpartition(":")
    return (name, colon + port) if colon else (authority, "")
