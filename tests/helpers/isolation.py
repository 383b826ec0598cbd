"""
Run a command in network, mount and process namespaces of its own, which vanish with it.

The kernel does the cleaning: when the command ends, or whoever started it does, in whatever way, the first process of the process namespace
dies, and with it every process in there, every network namespace, rule, bridge and mount that they made. Nothing outside is ever touched.
"""

import ctypes
import getpass
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

LIFELINE = "MESHD_LIFELINE"
"""Environment variable with the descriptor of a pipe that ends when the process that started it all does."""
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
"""Where programs are sought: the paths of ordinary users lack those of administrators."""
UNSHARE = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
AS_ROOT = ("--user", "--map-root-user", "--map-auto")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal that asks to stop; its number is the argument."""


def obstacles() -> list[str]:
    """List what keeps an ordinary user of this machine from having namespaces; empty for root, and where all is there."""
    if os.geteuid() == 0:
        return []
    found = []
    for program, package in (("unshare", "util-linux"), ("newuidmap", "uidmap"), ("newgidmap", "uidmap")):
        if shutil.which(program, path=SEARCH_PATH) is None:
            found.append(f"{program} is missing; as root: apt-get install {package}")
    user = getpass.getuser()
    names = {user, str(os.getuid())}
    lacking = []
    for path, option in (("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")):
        lines = Path(path).read_text().splitlines() if os.path.exists(path) else []
        if not any(line.split(":")[0] in names for line in lines):
            lacking.append((path, f"{option} 100000-165535"))
    if lacking:
        paths, wanted = zip(*lacking, strict=True)
        found.append(f"{user} has no subordinate ids in {' and '.join(paths)}; as root: usermod {' '.join(wanted)} {user}")
    return found


def run_isolated(command: Sequence[str]) -> int:
    """
    Run a command in namespaces of its own and wait until all that it started is gone.

    Its standard streams are ours. It should call `become_first_process` before anything else.

    Returns:
        Its exit status; 128 plus the number of the signal that stopped us.
    """
    read_end, write_end = os.pipe()
    isolate = ["unshare", *(() if os.geteuid() == 0 else AS_ROOT), *UNSHARE, "--", *command]
    previous = {number: signal.signal(number, _interrupt) for number in STOPPING}
    status = 1
    try:
        # a session of its own: Ctrl-C reaches this process alone, which then lets go of the lifeline
        environment = {**os.environ, "PATH": SEARCH_PATH, LIFELINE: str(read_end)}
        with subprocess.Popen(isolate, pass_fds=[read_end], env=environment, start_new_session=True) as process:
            try:
                status = process.wait()
            except Interrupted as interrupted:
                status = 128 + interrupted.args[0]
            finally:
                for number in STOPPING:
                    signal.signal(number, signal.SIG_IGN)
                os.close(write_end)
                _wait_or_kill(process)
    finally:
        os.close(read_end)
        for number, disposition in previous.items():
            signal.signal(number, disposition)
    return status


def become_first_process() -> None:
    """
    Return in a child; the caller itself becomes the namespace's first process: it reaps orphans, ends with the child, and with the lifeline.

    Raises:
        KeyError: If not started by `run_isolated`.
    """
    lifeline = int(os.environ.pop(LIFELINE))
    child = os.fork()
    if child == 0:
        os.close(lifeline)
        die_with_parent()
        return
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    while True:
        pid, status = os.wait()
        if pid == child:
            sys.stdout.flush()
            os._exit(os.waitstatus_to_exitcode(status) % 256)


def _end_with(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os._exit(1)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    pr_set_pdeathsig = 1  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)


def _wait_or_kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
