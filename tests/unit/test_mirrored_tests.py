"""Every module of meshd that holds code has its test file at the mirrored place, and every test holds an assertion."""

import ast
from collections.abc import Set
from pathlib import Path

from tests.helpers.source_tree import ROOT, has_code, python_files, relative


def mirror_of(module: Path) -> Path:
    """Give the test file of a module: `meshd/x/y.py` is tested by `tests/unit/x/test_y.py`."""
    within = module.relative_to(ROOT / "meshd")
    return ROOT / "tests" / "unit" / within.parent / f"test_{within.stem.lstrip('_')}.py"


def test_every_module_has_its_test_file():
    """Modules without a mirrored test file, by name."""
    modules = [path for path in python_files("meshd") if path.name != "__init__.py" and has_code(ast.parse(path.read_bytes()))]
    assert [] == [f"{relative(path)} has no {relative(mirror_of(path))}" for path in modules if not mirror_of(path).exists()]


def test_packages_hold_no_code_in_init():
    """`__init__.py` holds a docstring (and the version, at the top): code has a file with a name, and so a test."""
    packages = [path for path in python_files("meshd") if path.name == "__init__.py" and path.parent != ROOT / "meshd"]
    assert [] == [relative(path) for path in packages if has_code(ast.parse(path.read_bytes()))]


def test_every_test_asserts_something():
    """Tests that hold no assertion, by name: none of their own, and none in a function of their file that they call."""
    found = []
    for path in python_files("tests"):
        functions = {node.name: node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        asserting = {name for name, node in functions.items() if _asserts(node, frozenset())}
        for name, node in functions.items():
            if name.startswith("test_") and not _asserts(node, asserting):
                found.append(f"{relative(path)}:{node.lineno}: {name}")
    assert [] == found


def _asserts(function: ast.AST, asserting: Set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rsplit(".", 1)[-1]
            if name in asserting or name.lstrip("_").lower().startswith(("assert", "check", "expect", "fail", "raises", "flushloggederrors")):
                return True
    return False
