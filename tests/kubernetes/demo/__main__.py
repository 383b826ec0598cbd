"""
Do the article's walk in a cluster: `make demo-kubernetes`, or `python -m tests.kubernetes.demo`.

A real kube-apiserver and kube-controller-manager with etcd, a node whose pods are network namespaces of this machine, and meshd, which injects
itself into the pods. Exit status 0 if every step went as it must, 1 if one did not, 2 if the cluster could not be built, 128 and more if stopped by a
signal. Nothing is left behind.
"""

import os
import subprocess
import sys
import time

from tests.helpers.isolation import LIFELINE, become_first_process
from tests.kubernetes.cluster import RefusedError
from tests.kubernetes.demo.walk import Walk
from tests.kubernetes.stage import built_stage, isolate


def main() -> int:
    """Start again in namespaces, and there do the walk."""
    if LIFELINE not in os.environ:
        return isolate("tests.kubernetes.demo")
    become_first_process()
    started = time.monotonic()
    try:
        with built_stage() as stage:
            failed = Walk(stage).run()
    except (subprocess.CalledProcessError, RefusedError) as error:
        print(f"demo: {error}", flush=True)
        return 2
    verdict = "FAILED: " + ", ".join(failed) if failed else "ok: every step went as it must"
    print(f"\n{verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
