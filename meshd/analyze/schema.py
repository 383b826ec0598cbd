"""Problems that reading found, as messages of analysis."""

import attrs

from meshd.analyze.messages import INVALID_REGEX, SCHEMA_ERROR, SCHEMA_WARNING
from meshd.base.errors import Problem
from meshd.model.string_match import NO_REGEX


def coded(problem: Problem) -> Problem:
    """Give a Problem the code and words of Istio's message for its like."""
    if NO_REGEX in problem.message:
        return attrs.evolve(problem, code=INVALID_REGEX.code)
    message = SCHEMA_ERROR if problem.severity == "error" else SCHEMA_WARNING
    return attrs.evolve(problem, message=message.template.format(problem.message), code=message.code)
