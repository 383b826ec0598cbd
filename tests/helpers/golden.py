"""
The compiler's golden files: small worlds and what they compile to, one resource a line.

Run `python -m tests.helpers.golden` from the top of the checkout to write every NAME.json anew, and read the difference before committing it.
"""

import json
from pathlib import Path

from meshd.compile.compiler import Compiled, compile_snapshot
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.envoy_json import to_json
from tests.helpers.resources import resources_of

FOLDER = Path(__file__).parents[1] / "unit" / "compile" / "golden"


def golden_names() -> list[str]:
    """Return the names of all golden worlds."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def world_named(name: str) -> World:
    """Return a golden world."""
    return World().changed(resources_of(FOLDER.joinpath(f"{name}.yaml").read_text(), f"{name}.yaml"))


def compile_world(world: World) -> Compiled:
    """Compile a world for its first machine."""
    return compile_snapshot(world, world.all(Node)[0])


def render(compiled: Compiled) -> str:
    """Give what a golden file holds: Envoy's JSON, one resource a line, and the problems."""
    parts = {**to_json(compiled.snapshot), "problems": [str(problem) for problem in compiled.problems]}
    node = json.dumps(parts.pop("node"))
    lists = [f"{json.dumps(name)}: [{_lines(items)}]" for name, items in parts.items()]
    return "{\n" + ",\n".join([f'"node": {node}', *lists]) + "\n}\n"


def _lines(items: list[object]) -> str:
    return "\n" + ",\n".join(json.dumps(item, sort_keys=True) for item in items) + "\n" if items else ""


def write_all() -> None:
    """Write every golden file."""
    for name in golden_names():
        FOLDER.joinpath(f"{name}.json").write_text(render(compile_world(world_named(name))))


if __name__ == "__main__":
    write_all()
