"""
Do the walk: `make demo`, or `python -m tests.demo`.

Three machines in the mesh and one outside it, as network namespaces of this machine; on each of the three a real `twistd meshd`. Exit status 0 if
every step went as it must, 1 if one did not, 2 if the machines could not be made, 128 and more if stopped by a signal. Nothing is left behind.
"""

import os
import subprocess
import sys
import time

from tests.demo.daemon import meshd_commands
from tests.demo.walk import Walk
from tests.helpers.isolation import LIFELINE, become_first_process, obstacles, run_isolated


def main() -> int:
    """Start again in namespaces, and there do the walk."""
    if LIFELINE not in os.environ:
        return _outside()
    become_first_process()
    started = time.monotonic()
    try:
        with Walk(meshd_commands()) as walk:
            failed = walk.run()
    except subprocess.CalledProcessError as error:
        print(f"demo: {' '.join(error.cmd)}: {error.stderr.strip()}", flush=True)
        return 2
    verdict = "FAILED: " + ", ".join(failed) if failed else "ok: every step went as it must"
    print(f"\n{verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    return 1 if failed else 0


def _outside() -> int:
    missing = obstacles()
    for obstacle in missing:
        print(f"demo: without root, namespaces need more than is here: {obstacle}", file=sys.stderr)
    if missing:
        return 2
    if os.geteuid() != 0:
        print("not root: running in a user namespace (unshare --user --map-root-user --map-auto)", flush=True)
    return run_isolated([sys.executable, "-m", "tests.demo"])


if __name__ == "__main__":
    sys.exit(main())
