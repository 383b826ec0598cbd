"""Matchers of strings, headers, query parameters and routes in Envoy's v3 JSON."""

from typing import Any, Literal

from meshd.snapshot.json_fields import Json, read_flag, read_many, read_text, whole
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import PathMatchKind, RouteMatch

_PATHS: dict[PathMatchKind, str] = {"prefix": "prefix", "exact": "path", "path_separated_prefix": "pathSeparatedPrefix"}
_STRINGS: tuple[Literal["exact", "prefix", "suffix", "contains"], ...] = ("exact", "prefix", "suffix", "contains")


def write_string(match: StringMatch) -> Json:
    """Give a StringMatcher."""
    if match.kind == "regex":
        return {"safeRegex": {"regex": match.value}}
    return {match.kind: match.value, **({"ignoreCase": True} if match.ignore_case else {})}


def _read_string(found: Json) -> StringMatch:
    if "safeRegex" in found:
        return StringMatch("regex", read_regex(found["safeRegex"]))
    for kind in _STRINGS:
        if kind in found:
            return StringMatch(kind, read_text(found[kind]), read_flag(found.get("ignoreCase", False)))
    raise ValueError("expected exact, prefix, suffix, contains or safeRegex")


read_string = whole(_read_string, "StringMatch")
"""Read a StringMatcher."""


def read_regex(found: Json) -> str:
    """Read a RegexMatcher, whose engine can only be RE2."""
    engine = found.get("googleRe2")
    if engine is not None:
        engine.get("maxProgramSize")
    return read_text(found["regex"])


def write_header(match: HeaderMatch) -> Json:
    """Give a HeaderMatcher."""
    condition: Json = {"presentMatch": match.present} if match.value is None else {"stringMatch": write_string(match.value)}
    flags = {"invertMatch": match.invert, "treatMissingHeaderAsEmpty": match.treat_missing_as_empty}
    return {"name": match.name, **condition, **{key: True for key, value in flags.items() if value}}


def _read_header(found: Json) -> HeaderMatch:
    return HeaderMatch(
        read_text(found["name"]).lower(), _header_value(found), read_flag(found.get("invertMatch", False)),
        read_flag(found.get("treatMissingHeaderAsEmpty", False)), read_flag(found.get("presentMatch", True)),
    )


def _header_value(found: Json) -> StringMatch | None:
    """Give the condition on a header's value, in today's spelling or in those that Envoy still takes."""
    if "stringMatch" in found:
        return read_string(found["stringMatch"])
    if "safeRegexMatch" in found:
        return StringMatch("regex", read_regex(found["safeRegexMatch"]))
    for kind in _STRINGS:
        if f"{kind}Match" in found:
            return StringMatch(kind, read_text(found[f"{kind}Match"]))
    return None


read_header = whole(_read_header, "HeaderMatch")
"""Read a HeaderMatcher."""


def _write_query(match: QueryMatch) -> Json:
    return {"name": match.name, **({"presentMatch": True} if match.value is None else {"stringMatch": write_string(match.value)})}


def _read_query(found: Json) -> QueryMatch:
    value = found.get("stringMatch")
    if value is None and not read_flag(found.get("presentMatch", True)):
        raise ValueError("expected presentMatch to be true; Envoy has no match of absent parameters")
    return QueryMatch(read_text(found["name"]), None if value is None else read_string(value))


_read_whole_query = whole(_read_query, "QueryMatch")


def write_match(match: RouteMatch) -> Json:
    """Give a RouteMatch."""
    message: Json = {"safeRegex": {"regex": match.path}} if match.kind == "regex" else {_PATHS[match.kind]: match.path}
    if match.ignore_case:
        message["caseSensitive"] = False
    if match.headers:
        message["headers"] = [write_header(header) for header in match.headers]
    if match.query_parameters:
        message["queryParameters"] = [_write_query(query) for query in match.query_parameters]
    return message


def _read_match(found: Json) -> RouteMatch:
    kind, path = _read_path(found)
    headers = read_many(found.get("headers", []), read_header)
    queries = read_many(found.get("queryParameters", []), _read_whole_query)
    return RouteMatch(kind, path, not read_flag(found.get("caseSensitive", True)), headers, queries)


def _read_path(found: Json) -> tuple[PathMatchKind, str]:
    if "safeRegex" in found:
        return "regex", read_regex(found["safeRegex"])
    for kind, key in _PATHS.items():
        if key in found:
            return kind, read_text(found[key])
    raise ValueError("expected prefix, path, pathSeparatedPrefix or safeRegex")


read_match: Any = whole(_read_match, "RouteMatch")
"""Read a RouteMatch."""
