"""What Istio itself computes for small worlds of Kubernetes objects, held against what meshctl compiles for them."""

import copy
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
WORLDS = ROOT.parent / "shared" / "cases" / "worlds"
NAMES = [f"walk-{host}{state}" for host in ("ubuntu", "nginx-1") for state in ("", "-deleted")] + [f"k{number:04}" for number in range(24)]
PROGRAM = "from meshd.cli.main import main; main(prog_name='meshctl')"

pytestmark = pytest.mark.skipif(not WORLDS.joinpath("compare.py").exists(), reason="needs the conformance cases in ../shared beside the checkout")


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    """Give the comparison that stands beside the worlds."""
    spec = importlib.util.spec_from_file_location("compare", WORLDS / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_compiles_to_what_istio_computes(name, judge, tmp_path):
    """
    Calls lead to the same outcome, and clusters, endpoints and settings agree; mutual TLS does not count yet.

    Istio lists an endpoint that is not ready as UNHEALTHY when its slice happened to arrive before its service, and leaves it out otherwise;
    Envoy uses neither, so these do not count.
    """
    tmp_path.joinpath(f"{name}.yaml").write_bytes(WORLDS.joinpath(f"{name}.yaml").read_bytes())
    command = [sys.executable, "-c", PROGRAM, "compile", "-o", "json", "--config-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    compiled = json.loads(done.stdout)
    expected = usable(json.loads(WORLDS.joinpath(f"{name}.json").read_text()))
    _score, differences = judge.compare(expected, compiled)
    assert [] == [difference for difference in differences if difference[0] != "security"]
    assert 0 == done.returncode


def usable(computed: dict) -> dict:
    """Give what Istio computed, less endpoints that nothing is sent to."""
    found = copy.deepcopy(computed)
    for assignment in found["endpoints"]:
        for place in assignment.get("endpoints", []):
            place["lbEndpoints"] = [endpoint for endpoint in place["lbEndpoints"] if endpoint["healthStatus"] != "UNHEALTHY"]
    return found
