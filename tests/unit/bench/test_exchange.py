"""
The byte path stays short: calls are counted, not timed, of one small GET through everything that a worker is made of.

Whoever adds a call for each request meets a limit here. If what it does is worth its price, say so in the commit that raises the limit.
"""

import collections
import sys
from pathlib import Path

import pytest
from twisted.internet.defer import succeed
from twisted.logger import Logger

from meshd.worker.http_server import HttpServer
from tests.bench.exchange import ALIKE, CONNECTIONS, DIFFERENT, ExchangeRig
from tests.helpers.source_tree import ROOT

TURNS = 5
OWN = (str(ROOT / "meshd"), str(ROOT / "tests"))
KNOWN_STRANGERS = ("typing.py", "task.py")  # `cast`, which compiled code has not, and the rig's clock


class Counts:
    """
    Calls an exchange.

    Attributes:
        python: Of functions, and of generators each time they go on.
        native: Of functions in C.
        strangers: Files other than meshd's whose functions were called, with how often for each exchange.
    """

    def __init__(self, folder, heads):
        """Count while some exchanges pass; those before them fill what is filled only once."""
        rig = ExchangeRig(folder, heads)
        rig.run(TURNS)
        events, files = collections.Counter(), collections.Counter()

        def count(frame, event, argument):
            events[event] += 1
            if event == "call":
                files[frame.f_code.co_filename] += 1

        sys.setprofile(count)
        try:
            rig.run(TURNS)
        finally:
            sys.setprofile(None)
        exchanges = TURNS * CONNECTIONS
        self.python, self.native = events["call"] / exchanges, events["c_call"] / exchanges
        others = {Path(name).name: number / exchanges for name, number in files.items() if not name.startswith(OWN)}
        self.strangers = {name: number for name, number in others.items() if name not in KNOWN_STRANGERS}


@pytest.mark.parametrize(
    ("heads", "python", "native"),
    [
        pytest.param(ALIKE, 85, 93, id="same heads"),  # 83.2 and 90.9 when this was written
        pytest.param(DIFFERENT, 90, 114, id="new heads"),  # 88.3 and 112.0
    ],
)
def test_an_exchange_makes_few_calls(tmp_path, heads, python, native):
    """No more than these, and none into Twisted: no Deferred, no logger, nothing of the reactor."""
    counts = Counts(tmp_path, heads)
    assert {} == counts.strangers
    assert counts.python <= python
    assert counts.native <= native


@pytest.mark.parametrize(
    ("slip", "file"),
    [
        pytest.param(lambda: Logger().debug("done"), "_logger.py", id="a logger call"),
        pytest.param(lambda: succeed(None).addCallback(lambda result: result), "defer.py", id="a Deferred"),
    ],
)
def test_a_slip_is_noticed(tmp_path, monkeypatch, slip, file):
    """What must not be there is seen, and is more than a limit lets through."""
    ended = HttpServer.exchange_ended

    def slipped(self, *arguments):
        slip()
        return ended(self, *arguments)

    before = Counts(tmp_path, ALIKE)
    monkeypatch.setattr(HttpServer, "exchange_ended", slipped)
    after = Counts(tmp_path, ALIKE)
    assert after.strangers[file] >= 1
    assert after.python >= before.python + 3
