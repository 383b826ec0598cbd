"""What the compiler makes of the modules that `setup.py` has it compile, which the Python files, and so all other unit tests, do not show."""

import ast
import re

import pytest

from tests.helpers.source_tree import ROOT

MODULES = re.findall(r'^    "(meshd/.*\.py)",$', (ROOT / "setup.py").read_text(), re.MULTILINE)


def none_set(function: ast.FunctionDef) -> list[tuple[str, int]]:
    """Give the attributes that a function sets to None, with their lines."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None:
            found += [(ast.unparse(target), node.lineno) for target in node.targets if isinstance(target, ast.Attribute)]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_nothing_set_to_none_is_looked_at_again(module):
    """After `self.x = None`, mypy takes `self.x` for None until the function ends, whatever is called: compiled, another value is a TypeError."""
    faults = []
    for function in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(function, ast.FunctionDef):
            cleared = none_set(function)
            faults += [
                f"{function.name}: {ast.unparse(node)} in line {node.lineno}"
                for node in ast.walk(function)
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
                and any(ast.unparse(node) == name and line < node.lineno for name, line in cleared)
            ]
    assert [] == faults


@pytest.mark.parametrize("module", MODULES)
def test_constants_are_compared_by_value(module):
    """A tuple that is Final is a new object wherever compiled code takes it in hand: `is` never holds, as it did for no bad trailer."""
    faults = [
        f"{ast.unparse(node)} in line {node.lineno}"
        for node in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(node, ast.Compare)
        for operator, other in zip(node.ops, node.comparators, strict=True)
        if isinstance(operator, ast.Is | ast.IsNot) and ast.unparse(other).rpartition(".")[2].isupper()
    ]
    assert [] == faults


@pytest.mark.parametrize("module", MODULES)
def test_no_slice_begins_before_its_bytes(module):
    """What begins at -1 and ends at 0 is empty in Python; compiled, such a slice of bytes is a SystemError, which was a client's to bring about."""
    faults = [
        f"{ast.unparse(node)} in line {node.lineno}"
        for node in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(node, ast.Slice) and node.upper is not None
        if isinstance(node.lower, ast.UnaryOp) or (isinstance(node.lower, ast.BinOp) and isinstance(node.lower.op, ast.Sub))
    ]
    assert [] == faults


def test_modules_are_there():
    """The list is read as it is written."""
    assert (True, []) == (len(MODULES) > 20, [module for module in MODULES if not (ROOT / module).is_file()])
