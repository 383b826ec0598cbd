"""How workers are started."""

import os
import sys
from pathlib import Path

import pytest

from meshd.capture.rules import Identity
from meshd.tap import spawning
from meshd.tap.options import Places
from meshd.tap.spawning import OUTPUT, Spawning
from tests.helpers.source_tree import ROOT


class FakeReactor:
    """Starts nothing, and remembers."""

    def spawnProcess(self, protocol, executable, args, env, path, childFDs):
        """Remember what was asked, and where output would go."""
        self.arguments, self.environment = args, env
        self.output = os.fstat(childFDs[2])


@pytest.fixture
def places(tmp_path):
    """Give places whose log directory is there."""
    return Places(*(Path(tmp_path / name) for name in ("etc", "run", "state", ".")))


@pytest.mark.parametrize(("identity", "ids"), [(None, ["-", "-"]), (Identity(7, 8), ["7", "8"])])
def test_a_worker_is_told_who_it_is(places, identity, ids):
    """Its index, where the control plane is, and whom to become; nothing secret."""
    reactor = FakeReactor()
    Spawning(reactor, places, identity).spawn(3, lambda how: None)
    assert [sys.executable, "-P", "-m", "meshd.tap.worker", "3", str(places.control_socket), *ids] == reactor.arguments


def test_the_environment_is_small(places, monkeypatch):
    """meshd is found, secrets stay here."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("NOTIFY_SOCKET", "/x")
    monkeypatch.setenv("TZ", "UTC")
    reactor = FakeReactor()
    Spawning(reactor, places).spawn(0, lambda how: None)
    assert {"PYTHONPATH", "PATH", "TZ"} <= set(reactor.environment) <= {"PYTHONPATH", *spawning._KEPT}
    assert str(ROOT) == reactor.environment["PYTHONPATH"]


@pytest.mark.parametrize("silent", [False, True])
def test_output_goes_where_ours_does(places, monkeypatch, silent):
    """Or to a file, when ours goes nowhere; it is never a pipe to this process."""
    null = os.stat(os.devnull)
    here = os.stat(places.log_dir)
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: (null if silent else here) if descriptor == 2 else real(descriptor))
    reactor = FakeReactor()
    Spawning(reactor, places).spawn(0, lambda how: None)
    assert silent == (places.log_dir / OUTPUT).exists()
    if silent:
        assert os.path.samestat(reactor.output, os.stat(places.log_dir / OUTPUT))


def _link(path, victim):
    path.symlink_to(victim)


def _hard_link(path, victim):
    os.link(victim, path)


def _pipe(path, victim):
    os.mkfifo(path)


@pytest.mark.parametrize("plant", [_link, _hard_link, _pipe])
def test_nothing_that_was_planted_is_written_to(places, tmp_path, monkeypatch, plant):
    """The log directory belongs to the workers, and we are root: a link of theirs must not lead us to another file, a FIFO not hold us up."""
    victim = tmp_path / "victim"
    victim.write_text("")
    plant(places.log_dir / OUTPUT, victim)
    null = os.stat(os.devnull)
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: null if descriptor == 2 else real(descriptor))
    said = []
    monkeypatch.setattr(spawning.log, "error", lambda text, **fields: said.append(fields["reason"]))
    reactor = FakeReactor()
    Spawning(reactor, places).spawn(0, lambda how: None)
    assert (False, 1) == (os.path.samestat(reactor.output, victim.stat()), len(said))
    assert reactor.output.st_rdev == null.st_rdev
