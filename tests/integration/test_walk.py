"""The walk of the README on real machines (namespaces), with real daemons: what `make demo` does."""

import subprocess
import sys

import pytest

from tests.demo.walk import STEPS
from tests.helpers.isolation import obstacles
from tests.helpers.source_tree import ROOT

pytestmark = pytest.mark.skipif(bool(obstacles()), reason="; ".join(obstacles()))


@pytest.fixture(scope="module")
def walk() -> "subprocess.CompletedProcess[str]":
    """Give the demo's output and exit status, once for all steps."""
    demo = [sys.executable, "-m", "tests.demo"]
    return subprocess.run(demo, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("name", [name for name, _ in STEPS])
def test_step(walk, name):
    """The step went as it must; otherwise what was printed of it shows why."""
    printed = [block for block in walk.stdout.split("\n\n") if block.startswith(f"{name}: ")]
    assert ["ok"] == [block.strip().rsplit("\n", 1)[-1].strip() for block in printed], (printed, walk.stdout[-3000:], walk.stderr[-2000:])


def test_succeeds_as_a_whole(walk):
    """The exit status says so too."""
    assert 0 == walk.returncode
