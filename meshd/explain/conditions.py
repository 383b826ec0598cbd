"""Conditions on requests, asked one by one; each that fails says why."""

import re2

from meshd.explain.call import Call
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import RouteMatch

PHRASES = {
    "exact": ("is", "is not"),
    "prefix": ("begins with", "does not begin with"),
    "suffix": ("ends with", "does not end with"),
    "contains": ("contains", "does not contain"),
    "regex": ("matches", "does not match"),
}


def why_not_route(match: RouteMatch, call: Call, path: str) -> str:
    """Return why a route does not take a request with this normalized path; empty if it does."""
    reasons = [_why_not_path(match, path)]
    reasons.extend(why_not_header(header, call, path) for header in match.headers)
    reasons.extend(_why_not_query(parameter, path) for parameter in match.query_parameters)
    return next(filter(None, reasons), "")


def why_route(match: RouteMatch) -> str:
    """Return what a route asks for, in words."""
    asked = [describe_header(header) for header in match.headers]
    for parameter in match.query_parameters:
        value = parameter.value
        asked.append(f"query parameter {parameter.name} {'is there' if value is None else f'{PHRASES[value.kind][0]} {value.value!r}'}")
    return ", ".join((f"path {match.kind} {match.path}", *asked))


def describe_header(match: HeaderMatch) -> str:
    """Return a condition on a header in words."""
    if match.value is None:
        return f"header {match.name} is {'there' if match.present != match.invert else 'missing'}"
    return f"header {match.name} {PHRASES[match.value.kind][match.invert]} {match.value.value!r}"


def string_holds(match: StringMatch, text: str) -> bool:
    """Tell whether a condition holds for a text."""
    value = match.value
    if match.kind == "regex":
        return regex_holds(value, text)
    if match.ignore_case:
        value, text = ascii_lower(value), ascii_lower(text)
    if match.kind == "exact":
        return text == value
    if match.kind == "prefix":
        return text[:len(value)] == value
    if match.kind == "suffix":
        return len(text) >= len(value) and text[len(text) - len(value):] == value
    return text.find(value) >= 0


def regex_holds(pattern: str, text: str) -> bool:
    """Tell whether an RE2 expression matches a whole text; one that is none matches nothing."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.fullmatch(pattern, text.encode(), options=options) is not None
    except re2.error:
        return False


def ascii_lower(text: str) -> str:
    """Give a text with ASCII letters in lower case, all others as they are: bytes beyond ASCII have no case."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def read_header(name: str, call: Call, path: str) -> list[str]:
    """Return the lines of a header of the request, or of a pseudo header; none where there is no such header."""
    name = name.lower()
    lines = [value for key, value in call.headers if key == name]
    if name == ":method":
        return [call.method]
    if name in (":authority", "host"):
        return [call.authority]
    if name == ":path":
        return [path] if path else []
    if name == ":scheme":
        forwarded = [value for key, value in call.headers if key == "x-forwarded-proto"]
        return ["https" if forwarded and ascii_lower(forwarded[0]) == "https" else "http"]
    return lines or (["http"] if name == "x-forwarded-proto" else [])


def _why_not_path(match: RouteMatch, target: str) -> str:
    path, wanted = target.split("?")[0], match.path
    if match.kind == "regex":
        return "" if regex_holds(wanted, path) else f"path {path} does not match {wanted}"
    if match.ignore_case:
        path, wanted = ascii_lower(path), ascii_lower(wanted)
    if match.kind == "exact":
        return "" if path == wanted else f"path {path} is not {wanted}"
    if path[:len(wanted)] != wanted:
        return f"path {path} does not begin with {wanted}"
    if match.kind == "path_separated_prefix" and path[len(wanted):len(wanted) + 1] not in ("", "/"):
        return f"path {path} goes on after {wanted} without a slash"
    return ""


def why_not_header(match: HeaderMatch, call: Call, path: str) -> str:
    """Return why a condition on a header does not hold; empty if it does."""
    lines = read_header(match.name, call, path)
    if match.value is None:
        there = bool(lines) or match.treat_missing_as_empty
        if (there == match.present) != match.invert:
            return ""
        return f"header {match.name} is {'there' if there else 'missing'}"
    if not lines and not match.treat_missing_as_empty:
        return f"header {match.name} is missing"
    holds = any(string_holds(match.value, line) for line in lines or [""])
    if holds != match.invert:
        return ""
    value = " and ".join(map(repr, lines or [""]))
    return f"header {match.name} {value} {PHRASES[match.value.kind][0 if holds else 1]} {match.value.value!r}"


def _why_not_query(match: QueryMatch, target: str) -> str:
    _, mark, query = target.partition("?")
    values = [parameter.partition("=")[2] for parameter in query.split("&") if mark and parameter.partition("=")[0] == match.name]
    if not values:
        return f"query parameter {match.name} is missing"
    if match.value is None or string_holds(match.value, values[0]):
        return ""
    return f"query parameter {match.name} {values[0]!r} {PHRASES[match.value.kind][1]} {match.value.value!r}"
