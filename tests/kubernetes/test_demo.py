"""The walk in a cluster, as `make demo-kubernetes` does it."""

import subprocess
import sys

import pytest

from tests.helpers.isolation import obstacles
from tests.helpers.source_tree import ROOT
from tests.kubernetes.demo.walk import STEPS

pytestmark = pytest.mark.skipif(bool(obstacles()), reason="; ".join(obstacles()))


@pytest.fixture(scope="module")
def walk():
    """Give the demo's output and exit status, once for all steps."""
    demo = [sys.executable, "-m", "tests.kubernetes.demo"]
    return subprocess.run(demo, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.parametrize("name", [name for name, _ in STEPS])
def test_step(walk, name):
    """The step went as it must; otherwise what was printed of it shows why."""
    printed = [block for block in walk.stdout.strip().split("\n\n") if block.startswith(f"{name}: ")]
    assert ["ok"] == [block.strip().rsplit("\n", 1)[-1].strip() for block in printed], (printed, walk.stdout[-6000:], walk.stderr[-2000:])


def test_succeeds_as_a_whole(walk):
    """The exit status says so too."""
    assert 0 == walk.returncode
