"""Conditions on a query parameter."""

from collections.abc import Sequence

from meshd.snapshot.match import QueryMatch
from meshd.tables.interfaces import Condition, Exchange
from meshd.tables.match.asked import Asked, wanted_by
from meshd.tables.match.string import build_string


def find_parameter(path: bytes, name: bytes) -> bytes | None:
    """
    Return the first value of a query parameter, nothing decoded; empty where it has no `=`; None where it is absent.

    Source:
        Envoy's QueryParamsMulti::parseQueryString: parameters are split at `&` and at their first `=`.
    """
    _, mark, query = path.partition(b"?")
    if not mark or name not in query:
        return None
    for parameter in query.split(b"&"):
        key, _, value = parameter.partition(b"=")
        if key == name:
            return value
    return None


def ask_query(match: QueryMatch) -> Asked:
    """
    Return what a route asks of a query parameter.

    Raises:
        BuildError: As `build_query`.
    """
    name = match.name.encode()
    exact, pattern = wanted_by(match.value) if match.value is not None else (None, None)

    def read(exchange: Exchange) -> Sequence[bytes]:
        value = find_parameter(exchange.path, name)
        return () if value is None else (value,)

    return Asked(build_query(match), match.value is not None and match.value.kind == "regex", f"?{match.name}", read, exact, pattern)


def build_query(match: QueryMatch) -> Condition:
    """
    Return the condition that a query match asks for.

    Raises:
        BuildError: If its value is a regular expression that RE2 does not take.
    """
    name = match.name.encode()
    if match.value is None:
        return lambda exchange: find_parameter(exchange.path, name) is not None
    test = build_string(match.value)

    def holds(exchange: Exchange) -> bool:
        value = find_parameter(exchange.path, name)
        return value is not None and test(value)

    return holds
