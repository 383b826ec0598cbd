"""The repository's own Python files, for the tests that hold them to the house rules."""

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen
class Import:
    """One imported name: `from socket import AF_INET` is module `socket`, name `AF_INET`; `import socket` has an empty name."""

    module: str
    name: str
    line: int

    def __str__(self) -> str:
        """Give it as it would be written."""
        return f"from {self.module} import {self.name}" if self.name else f"import {self.module}"


def python_files(*folders: str) -> list[Path]:
    """Return every Python file below some folders of the repository, sorted."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    """Give a file's path within the repository."""
    return path.relative_to(ROOT).as_posix()


def imports_of(tree: ast.AST) -> Iterator[Import]:
    """Yield every import of a parsed file, those within functions too; imports for type checking alone count as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)


def has_code(tree: ast.Module) -> bool:
    """Tell whether a module holds anything but its docstring and imports."""
    passive = (ast.Import, ast.ImportFrom)
    statements = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    return any(not isinstance(statement, passive) for statement in statements)
