"""Sizes and names: files and functions stay short, and no name says nothing."""

import ast
import re

import pytest

from tests.helpers.source_tree import python_files, relative

LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 40  # lines, without docstring
EMPTY_WORDS = frozenset(
    {"handler", "manager", "engine", "processor", "component", "util", "utils", "helper", "helpers", "common", "misc", "data", "info"},
)
KNOWN_TERMS = ("HttpConnectionManager", "DataPlane", "data_plane", "dataReceived")
"""Words of the field that hold an empty one."""


def words_of(name: str) -> list[str]:
    """Split a name in snake_case or CamelCase into lower-case words, known terms left out."""
    for term in KNOWN_TERMS:
        name = name.replace(term, "")
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)]


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines, its docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def test_files_stay_short():
    """Files above the limit, with their length."""
    lengths = {relative(path): len(path.read_bytes().splitlines()) for path in python_files("meshd", "tests")}
    assert {} == {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE}


def test_functions_stay_short():
    """Functions above the limit, with their length."""
    found = {}
    for path in python_files("meshd", "tests"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length_of(node) > LONGEST_FUNCTION:
                found[f"{relative(path)}:{node.lineno}: {node.name}"] = length_of(node)
    assert {} == found


def test_names_say_something():
    """Modules, classes and functions whose name holds an empty word."""
    found = []
    for path in python_files("meshd"):
        definitions = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        names = [path.stem]
        names += [node.name for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, definitions)]
        found.extend(f"{relative(path)}: {name}" for name in names if EMPTY_WORDS & set(words_of(name)))
    assert [] == found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("read_http_data", ["read", "http", "data"]),
        ("TCPProxy", ["tcp", "proxy"]),
        ("HttpConnectionManagerData", ["data"]),
        ("DataPlane", []),
        ("_x2", ["x", "2"]),
    ],
)
def test_splits_names_into_words(name, expected):
    """Both spellings come apart."""
    assert expected == words_of(name)
