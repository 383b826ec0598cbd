"""The floors: a package imports from lower floors only, siblings are strangers, and the lower floors are pure."""

import ast
import subprocess
import sys

import pytest

from tests.helpers.source_tree import ROOT, Import, imports_of, python_files, relative

FLOORS = (
    ("base",),
    ("model", "snapshot", "codec", "telemetry"),
    ("compile", "tables", "explain"),
    ("analyze", "inject"),
    ("ipc", "kubernetes"),
    ("sources", "control", "capture", "dns", "registry", "webhook", "worker"),
    ("admin",),
    ("cli",),
    ("tap",),
)
FLOOR_OF = {package: number for number, packages in enumerate(FLOORS) for package in packages}
PURE = frozenset(package for packages in FLOORS[:4] for package in packages)

# clock, socket, file, randomness, process, thread, event loop
IMPURE_MODULES = frozenset(
    {
        "_socket", "asyncio", "concurrent", "fcntl", "fileinput", "glob", "io", "logging", "mmap", "multiprocessing", "os", "pathlib",
        "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "tempfile",
        "threading", "time", "twisted", "urllib.request", "uuid",
    },
)
PURE_NAMES = frozenset({("time", "gmtime"), ("time", "strftime")})  # functions of their arguments alone
IMPURE_BUILTINS = frozenset({"open", "input", "print"})
REACTOR_FAULT = "the reactor is imported in meshd/tap only; ask for it as an argument"
REACTORS = frozenset({("twisted.internet", "reactor"), ("twisted.internet.reactor", ""), ("twisted.internet.task", "react")})


def package_of(module: str) -> str:
    """Give the floor's package that a dotted module name belongs to; empty for `meshd` itself and for what is not ours."""
    parts = module.split(".")
    return parts[1] if parts[0] == "meshd" and len(parts) > 1 else ""


def faults_of(module: str, tree: ast.AST) -> list[str]:
    """List what one module does that its floor forbids."""
    package = package_of(module)
    found = []
    for imported in imports_of(tree):
        fault = _fault(package, imported)
        if fault:
            found.append(f"{module}:{imported.line}: {imported}: {fault}")
    if package in PURE:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS:
                found.append(f"{module}:{node.lineno}: {node.func.id}(): {package} is pure")
    return found


def _fault(package: str, imported: Import) -> str:
    if imported.module.startswith("."):
        return "imports are absolute"
    if imported.module.split(".")[0] == "tests":
        return "the product does not import its tests"
    if (imported.module, imported.name) in REACTORS and package != "tap":
        return REACTOR_FAULT
    if package in PURE and _is_impure(imported):
        return f"{package} is pure; take it as an argument"
    other = package_of(f"{imported.module}.{imported.name}" if imported.module == "meshd" else imported.module)
    if imported.module == "meshd" and other not in FLOOR_OF:
        return ""
    if not other or other == package:
        return ""
    if other not in FLOOR_OF:
        return f"{other} stands on no floor"
    if FLOOR_OF[other] > FLOOR_OF[package]:
        return f"{other} stands above {package}"
    return f"{other} and {package} are strangers" if FLOOR_OF[other] == FLOOR_OF[package] else ""


def _is_impure(imported: Import) -> bool:
    if (imported.module, imported.name) in PURE_NAMES:
        return False
    parts = imported.module.split(".")
    return any(".".join(parts[:length]) in IMPURE_MODULES for length in range(1, len(parts) + 1))


def test_every_package_stands_on_a_floor():
    """A new package needs its place in FLOORS first."""
    packages = {path.relative_to(ROOT / "meshd").parts[0] for path in python_files("meshd") if path.parent != ROOT / "meshd"}
    assert [] == sorted(packages - set(FLOOR_OF))


def test_imports_lead_downwards():
    """No module imports from a higher floor, from a sibling, from a reactor, or, where pure, from the world outside."""
    found = []
    for path in python_files("meshd"):
        module = relative(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        found.extend(faults_of(module, ast.parse(path.read_bytes())))
    assert [] == found


def test_unit_tests_use_no_reactor_and_no_sleep():
    """Unit tests take a Clock and never wait."""
    banned = REACTORS | {("time", "sleep")}
    found = []
    for path in python_files("tests/unit"):
        tree = ast.parse(path.read_bytes())
        found.extend(f"{relative(path)}:{one.line}: {one}" for one in imports_of(tree) if (one.module, one.name) in banned)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep":
                found.append(f"{relative(path)}:{node.lineno}: time.sleep")
    assert [] == found


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("meshd.compile.clusters", "from meshd.model.world import World", ""),
        ("meshd.compile.clusters", "from meshd.worker import wire", "worker stands above compile"),
        ("meshd.compile.clusters", "from meshd import worker", "worker stands above compile"),
        ("meshd.compile.clusters", "from meshd import __version__", ""),
        ("meshd.compile.clusters", "from meshd.tables import program", "tables and compile are strangers"),
        ("meshd.compile.clusters", "from meshd.misplaced import program", "misplaced stands on no floor"),
        ("meshd.snapshot.wire", "import meshd.model.world", "model and snapshot are strangers"),
        ("meshd.model.world", "from .node import Node", "imports are absolute"),
        ("meshd.model.world", "def f():\n    import os.path", "model is pure; take it as an argument"),
        ("meshd.model.world", "from socket import inet_aton", "model is pure; take it as an argument"),
        ("meshd.telemetry.access_log", "from time import gmtime", ""),
        ("meshd.telemetry.access_log", "from time import time", "telemetry is pure; take it as an argument"),
        ("meshd.telemetry.access_log", "from urllib.parse import quote", ""),
        ("meshd.telemetry.access_log", "open('x')", "open(): telemetry is pure"),
        ("meshd.worker.service", "import socket", ""),
        ("meshd.worker.service", "from tests.helpers import netns", "the product does not import its tests"),
        ("meshd.worker.service", "def f():\n    from twisted.internet import reactor", REACTOR_FAULT),
        ("meshd.tap.service", "from twisted.internet import reactor", ""),
    ],
)
def test_tells_what_a_floor_forbids(module, source, fault):
    """Each rule catches its breach and nothing else."""
    found = faults_of(module, ast.parse(source))
    assert [fault] * bool(fault) == [text.split(": ", 2 if "import" in text else 1)[-1] for text in found]


def test_workers_do_without_kubernetes():
    """A worker has no use for a client of the API server, and does not carry it: its main program brings none of it along."""
    program = "import sys, meshd.tap.worker; print(*(name for name in sys.modules if name.startswith(('treq', 'meshd.kubernetes'))))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()
