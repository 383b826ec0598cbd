"""Reads resources from YAML texts, for tests of readers and of what takes their results."""

from meshd.base.errors import Problem
from meshd.model.drafts import Draft
from meshd.model.world import Resource
from meshd.sources.drafts import read_all


def drafts_of(text: str, file: str = "a.yaml") -> tuple[Draft, ...]:
    """Return the drafts of a file with this text."""
    return read_all(text.encode(), file)


def resources_of(text: str, file: str = "a.yaml") -> list[Resource]:
    """Return what a file with this text says."""
    return [resource for draft in drafts_of(text, file) for resource in draft.resources]


def complaints_of(text: str, file: str = "a.yaml") -> list[str]:
    """Return what is wrong with a file with this text, a line each: severity, line, field, message and hint."""
    return [complaint(problem) for draft in drafts_of(text, file) for problem in draft.problems]


def complaint(problem: Problem) -> str:
    """Give a Problem as `severity line field: message; hint`."""
    place = f"{problem.severity} {problem.line} {problem.field}".rstrip()
    return f"{place}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
