"""The documents keep to the code: every path they link to exists, and every name they link with is defined there."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.helpers.command_line import meshctl
from tests.helpers.source_tree import ROOT, relative

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "etc" / "README.md", ROOT / "packaging" / "README.md"]
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)[^)]*\)")


def names_in(source: str) -> set[str]:
    """Return what a module defines: functions, classes, constants, and `Class.method`."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)}
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def broken_links(page: Path, text: str) -> list[str]:
    """List a page's links that lead nowhere; a link to a module is named by something defined in it, or by the module."""
    found = []
    for name, target in _LINK.findall(text):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        if not path.exists():
            found.append(f"{name}: {target} does not exist")
        elif path.suffix == ".py" and name.strip("`") not in names_in(path.read_text()) | {path.stem}:
            found.append(f"{name}: not in {target}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page):
    """No page names what is not there."""
    assert [] == broken_links(page, page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_paths_in_backticks_exist(page):
    """Files and folders of the repository that a page names in backticks are there; `x` and CAPITALS stand for any name."""
    pattern = r"`((?:meshd|tests|etc|docs|packaging|newsfragments|twisted)/[\w./-]*)`"
    named = {path for path in re.findall(pattern, page.read_text()) if "x/" not in path and not re.search(r"[A-Z]{4}", Path(path).name)}
    assert [] == sorted(path for path in named if not (ROOT / path).exists())


EXAMPLES = re.findall(r"^    meshctl (.+)$", (ROOT / "etc" / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_work(line, monkeypatch):
    """Each command of etc/README.md, typed where it is meant to be typed, finds nothing wrong."""
    monkeypatch.chdir(ROOT)
    result = meshctl(*shlex.split(line))
    assert 0 == result.exit_code, result.stderr


def test_finds_broken_links(tmp_path):
    """The check itself: a missing file, a missing name, and three that are fine."""
    tmp_path.joinpath("m.py").write_text("X = 1\nclass C:\n    def f(self):\n        pass\n")
    text = "[a](gone.py) [`D`](m.py) [`C.f`](m.py) [`X`](m.py) [m](m.py) [w](https://example.com/)"
    assert ["a: gone.py does not exist", "`D`: not in m.py"] == broken_links(tmp_path / "page.md", text)
