"""
What loading and compiling a configuration costs by itself: run as a file, with a directory, by the environment's Python, so that the installed
meshd is measured; prints one line of JSON: `load`, `compile`, `encode` in seconds, `full_push` in bytes.
"""

import json
import sys
import time

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.snapshot import PARTS
from meshd.snapshot.update import find_changes
from meshd.snapshot.wire import encode
from meshd.sources.directory import load_directory


def main() -> None:
    """Measure each step."""
    began = time.perf_counter()
    world = World().changed(load_directory(sys.argv[1]).resources)
    loaded = time.perf_counter()
    snapshot = compile_snapshot(world, world.all(Node)[0], CompileSettings()).snapshot
    compiled = time.perf_counter()
    content = encode(find_changes(None, snapshot, {}, dict.fromkeys(PARTS, "1")))
    encoded = time.perf_counter()
    print(json.dumps({"load": loaded - began, "compile": compiled - loaded, "encode": encoded - compiled, "full_push": len(content)}))


if __name__ == "__main__":
    main()
