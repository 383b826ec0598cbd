"""The conditions a route can ask for besides its path: a new one is a field of `RouteMatch`, a file here and a line in `CONDITIONS`."""

from collections.abc import Callable

from meshd.snapshot.route import RouteMatch
from meshd.tables.interfaces import Condition, Exchange
from meshd.tables.match.asked import Asked
from meshd.tables.match.header import ask_header
from meshd.tables.match.query import ask_query

BuildConditions = Callable[[RouteMatch], list[Asked]]

CONDITIONS: dict[str, BuildConditions] = {
    "headers": lambda match: [ask_header(header) for header in match.headers],
    "query_parameters": lambda match: [ask_query(parameter) for parameter in match.query_parameters],
}


def build_conditions(match: RouteMatch) -> list[Asked]:
    """
    Return all that a route asks for but its path.

    Raises:
        BuildError: If one of them holds a regular expression that RE2 does not take.
    """
    return [condition for build in CONDITIONS.values() for condition in build(match)]


def join_conditions(conditions: list[Condition]) -> Condition | None:
    """Return one condition that holds when all do; None where there is none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    if len(conditions) == 2:
        first, second = conditions
        return lambda exchange: first(exchange) and second(exchange)

    def holds(exchange: Exchange) -> bool:
        for condition in conditions:  # noqa: SIM110 reason: a generator for each request costs three times the loop
            if not condition(exchange):
                return False
        return True

    return holds
