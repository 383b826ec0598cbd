"""
Become a container: `python -m tests.kubernetes.kubelet.launcher`, with what it is (JSON) on standard input.

It has its pod's network, and mounts, processes and a host name of its own; its root file system is the machine's. The caller's process stays
outside: it passes SIGTERM on, and ends as the container did.
"""

import json
import os
import signal
import socket
import sys
from typing import Any

from tests.helpers.isolation import die_with_parent
from tests.kubernetes.kubelet import mounts


def main() -> int:
    """Start the container, and wait for its end; gives its exit status, 128 and the number of the signal that killed it."""
    wanted = json.load(sys.stdin)
    mounts.enter(f"/run/netns/{wanted['network']}", mounts.CLONE_NEWNET)
    mounts.unshare(mounts.CLONE_NEWNS | mounts.CLONE_NEWPID | mounts.CLONE_NEWUTS)
    first = os.fork()
    if first == 0:
        _become(wanted)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(first, number))
    status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    return status if status >= 0 else 128 - status


def _become(wanted: dict[str, Any]) -> None:
    die_with_parent()
    socket.sethostname(wanted["hostname"])
    mounts.mount("", "/", mounts.MS_REC | mounts.MS_PRIVATE)
    mounts.take_root()
    mounts.mount("proc", "/proc", 0, "proc")
    own = [f"/{name}" for name in os.listdir("/") if name != "proc" and os.path.ismount(f"/{name}")]
    for source, target, read_only in wanted["mounts"]:
        mounts.bind(source, target, read_only)
    for place in ["/", *own] if wanted["read_only"] else ():
        mounts.protect(place)
    os.chdir(wanted["folder"])
    os.setsid()
    try:
        os.execvpe(wanted["command"][0], wanted["command"], wanted["environment"])
    except OSError as error:
        print(f"{wanted['command'][0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


if __name__ == "__main__":
    sys.exit(main())
