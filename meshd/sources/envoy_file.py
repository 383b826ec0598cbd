"""A snapshot from a file of Envoy's: JSON, or YAML, which users paste."""

import re

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.paths import LineOf, Path
from meshd.snapshot.envoy_reading import ReadFile, read_envoy
from meshd.snapshot.snapshot import Snapshot, chains_of
from meshd.sources.documents import MAX_FILE_BYTES, Chunk, read_chunk
from meshd.tables.access_logs import find_log_problems

# reason: this text is the operator's own file, bounded by the reader, and the pattern is linear
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def read_envoy_file(path: str) -> ReadFile:
    """Read a snapshot from a file; one that is not there or too large is a Problem like any other."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return ReadFile(None, (Problem(Origin(path), f"expected a file that can be read: {error.strerror}"),))
    return read_envoy_bytes(content, path)


def read_envoy_bytes(content: bytes, file: str) -> ReadFile:
    """
    Read a snapshot from the content of a file.

    Args:
        content: Its bytes: JSON when they begin with a brace, else YAML.
        file: Its name, for messages.
    """
    documents = read_chunk(Chunk(1, content), file, is_json=content.lstrip()[:1] == b"{")
    problems = [problem for document in documents for problem in document.problems]
    if len(documents) != 1 and not problems:
        problems = [Problem(Origin(file), f"expected one document, found {len(documents)}")]
    if problems:
        return ReadFile(None, tuple(problems))
    document = documents[0]
    found = read_envoy(document.body, file)
    placed = tuple(_with_line(problem, document.lines) for problem in found.problems)
    return attrs.evolve(found, problems=placed if found.snapshot is None else (*placed, *_log_problems(found.snapshot, file)))


def _log_problems(snapshot: Snapshot, file: str) -> list[Problem]:
    """Tell what the access logs of a file ask for in vain, once each."""
    logs = [log for listener in snapshot.listeners.values() for log in listener.access_logs]
    logs += [log for listener in snapshot.listeners.values() for chain in chains_of(listener) for log in chain.filter.access_logs]
    said = dict.fromkeys(f"access log {log.path}: {message}" for log in dict.fromkeys(logs) for message in find_log_problems(log))
    return [Problem(Origin(file), message, severity="warning") for message in said]


def _with_line(problem: Problem, lines: LineOf) -> Problem:
    return attrs.evolve(problem, line=lines(_parse_path(problem.field))) if problem.field else problem


def _parse_path(field: str) -> Path:
    """Give a field's path; keys with dots are not put together again, so that the line is that of the field above."""
    return tuple(int(index) if index else key for key, index in _PART.findall(field))
