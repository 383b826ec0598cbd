"""The unit tests of what is compiled, on the installed build: the compiler believes types, and some of what it believes is seen only there."""

import re
import subprocess
import sys

import pytest

from tests.helpers.source_tree import ROOT

FOLDERS = ("base", "codec", "snapshot", "tables", "telemetry", "worker")
INSTALLED_FIRST = f"import sys; sys.path.append({str(ROOT)!r}); "


def run(code: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with the installed meshd and this checkout's tests."""
    return subprocess.run([sys.executable, "-P", "-c", INSTALLED_FIRST + code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_unit_tests_hold_for_the_compiled_build():
    """All but those whose stand-ins it does not take, which are few."""
    if not run("import meshd.worker.exchange as found; print(found.__file__)").stdout.strip().endswith(".so"):
        pytest.skip("the installed meshd is not compiled (or not installed)")
    folders = [f"tests/unit/{folder}" for folder in FOLDERS]
    done = run(f"import pytest; sys.exit(pytest.main(['-q', '-p', 'tests.helpers.compiled_build', '-p', 'no:cacheprovider', *{folders!r}]))")
    assert 0 == done.returncode, done.stdout[-6000:]
    passed, skipped = (int(re.findall(rf"(\d+) {word}", done.stdout)[-1]) for word in ("passed", "skipped"))
    assert passed > 10 * skipped
