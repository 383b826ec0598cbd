"""Work on an event loop of a command's own; a process has one, so each test has a process."""

import subprocess
import sys

import pytest

from tests.helpers.source_tree import ROOT

SCRIPT = """
import sys
from meshd.cli.reactors import run
async def work(reactor):
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    assert installed is reactor
    waiting = Deferred()
    reactor.callLater(0.01, waiting.callback, "done")
    {work}
print(run(work))
"""


@pytest.mark.parametrize(("work", "expected"), [
    ("return await waiting", ("done\n", "", 0)),
    ("return 'at once'", ("at once\n", "", 0)),
    ("await waiting; raise SystemExit('stopped')", ("", "stopped\n", 1)),
])
def test_runs_to_the_end(work, expected):
    """And gives what the work gives, or raises what it raises."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT.format(work=work)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert expected == (ran.stdout, ran.stderr, ran.returncode)
