"""Conditions on a query parameter."""

from meshd.snapshot.match import QueryMatch
from meshd.tables.interfaces import Condition, Exchange
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
