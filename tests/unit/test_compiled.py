"""What the compiler makes of the modules that `setup.py` has it compile, which the Python files, and so all other unit tests, do not show."""

import ast
import re

import pytest

from tests.helpers.source_tree import ROOT

MODULES = re.findall(r'^    "(meshd/.*\.py)",$', (ROOT / "setup.py").read_text(), re.MULTILINE)


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


def test_modules_are_there():
    """The list is read as it is written."""
    assert (True, []) == (len(MODULES) > 20, [module for module in MODULES if not (ROOT / module).is_file()])
