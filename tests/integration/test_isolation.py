"""What runs isolated leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.isolation import obstacles
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or bool(obstacles()), reason="namespaces need root")

PROGRAM = """
import os, subprocess, sys
from pathlib import Path
from tests.helpers.isolation import LIFELINE, become_first_process, run_isolated
from tests.helpers.netns import Host, build_network, mount_private_run
if LIFELINE not in os.environ:
    sys.exit(run_isolated([sys.executable, "-c", sys.argv[1], sys.argv[1]]))
become_first_process()
mount_private_run()
host = Host("meshd-marker", "172.17.0.2")
build_network(Host("", "172.17.0.1"), [host], 16)
marker = host.start("sleep", "1234567", output=Path("/run/out"), cwd=Path("/"))
print("ready", flush=True)
if sys.stdin.readline() == "end\\n":
    sys.exit(3)
"""


def sleepers() -> list[str]:
    """Return the processes that the program started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().endswith(b"sleep\x001234567\x00"):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("how", "status"),
    [(None, 3), (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
def test_nothing_is_left(how, status):
    """Processes and namespaces end with their maker, be it killed."""
    command = [sys.executable, "-c", PROGRAM, PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        wait_for(lambda: 1 == len(sleepers()), "the marker runs")
        if how is None:
            process.stdin.write("end\n")
            process.stdin.flush()
        else:
            process.send_signal(how)
        assert status == process.wait(20)
        # standard output is shared by all that was started: it ends when the last of them is gone
        assert "" == process.stdout.read()
    assert [] == sleepers()
    assert not Path("/run/netns/meshd-marker").exists()
