"""Conditions of VirtualServices on requests, made those of routes."""

from meshd.model import string_match as model
from meshd.model.virtual_service import HttpMatch
from meshd.snapshot.match import HeaderMatch, QueryMatch, StringMatch
from meshd.snapshot.route import RouteMatch

ALL = RouteMatch()


def translate_match(match: HttpMatch, *, segments: bool = False) -> RouteMatch:
    """
    Translate one match; with `segments`, a prefix of paths is one of whole segments.

    Source:
        Istio pilot/pkg/networking/core/route/route.go, TranslateRouteMatch: a missing header is empty for a condition that must not hold.
    """
    headers = [_header(name, value) for name, value in sorted(match.headers.items())]
    for name, value in sorted(match.without_headers.items()):
        if value.kind == "present":
            headers.append(HeaderMatch(name, invert=True))
        else:
            headers.append(HeaderMatch(name, translate_string(value), invert=True, treat_missing_as_empty=True))
    for name, condition in ((":method", match.method), (":authority", match.authority), (":scheme", match.scheme)):
        if condition is not None:
            headers.append(_header(name, condition))
    queries = tuple(QueryMatch(name, translate_string(value)) for name, value in sorted(match.query_parameters.items()))
    uri = match.uri
    if uri is None or uri.kind == "present":
        return RouteMatch(headers=tuple(headers), query_parameters=queries)
    if segments and uri.kind == "prefix" and uri.value != "/":
        return RouteMatch("path_separated_prefix", uri.value.removesuffix("/"), match.ignore_uri_case, tuple(headers), queries)
    ignore_case = match.ignore_uri_case and uri.kind != "regex"
    return RouteMatch("exact" if uri.kind == "exact" else uri.kind, uri.value, ignore_case, tuple(headers), queries)


def is_catch_all(match: RouteMatch) -> bool:
    """Tell whether a route takes every request, so that none behind it is ever asked."""
    every_path = (match.kind == "prefix" and match.path == "/") or (match.kind == "regex" and match.path == ".*")
    return every_path and not match.headers and not match.query_parameters


def _header(name: str, value: model.StringMatch) -> HeaderMatch:
    return HeaderMatch(name, translate_string(value))


def translate_string(value: model.StringMatch) -> StringMatch | None:
    """Translate a condition on a text; None asks for presence."""
    return None if value.kind == "present" else StringMatch(value.kind, value.value)
