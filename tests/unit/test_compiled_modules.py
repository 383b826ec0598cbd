"""Which modules are compiled (setup.py)."""

import ast
import runpy
from unittest import mock

from tests.helpers.source_tree import ROOT, python_files, relative


def compiled(monkeypatch):
    """Give the modules that are compiled, without compiling them."""
    monkeypatch.setenv("MESHD_COMPILE", "no")
    with mock.patch("setuptools.setup"):
        return set(runpy.run_path(str(ROOT / "setup.py"))["COMPILED"])


def test_what_stands_for_a_compiled_trait_is_compiled(monkeypatch):
    """An interpreted class cannot inherit from a compiled trait: making one fails, where the Python files would do."""
    trees = {relative(path): ast.parse(path.read_bytes()) for path in python_files("meshd")}
    classes = [(name, node) for name, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    done = compiled(monkeypatch)
    traits = {node.name for name, node in classes if name in done and "trait" in [ast.unparse(mark) for mark in node.decorator_list]}
    found = [(name, node.name) for name, node in classes if traits & {base.id for base in node.bases if isinstance(base, ast.Name)}]
    assert len(found) > 10
    assert [] == [place for place in found if place[0] not in done]
