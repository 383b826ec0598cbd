"""What twistd calls."""

import os

import pytest
from twisted.application.service import IService
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from meshd.tap import plugin
from meshd.tap.options import Options


@pytest.fixture
def options(tmp_path, monkeypatch):
    """Give options for directories below a test's own."""
    monkeypatch.setattr(plugin, "installed_reactor", Clock())
    found = Options()
    found.parseOptions([f"--{name}-dir={tmp_path / name}" for name in ("config", "run", "state", "log")] + ["--node=n1", "--workers=3"])
    return found


@pytest.fixture
def locks(monkeypatch):
    """Give the locks that are taken, released in the end."""
    taken: list[int] = []
    real = plugin.lock_run_directory
    monkeypatch.setattr(plugin, "lock_run_directory", lambda path: taken.append(real(path)))
    yield taken
    for lock in taken:
        os.close(lock)


def test_a_service_is_made_with_its_directories(options, locks, tmp_path):
    """And with what the command line says."""
    service = plugin.makeService(options)
    assert verifyObject(IService, service)
    assert ("n1", 3, None) == (service._settings.node, service._settings.workers, service._settings.twistd_uid)
    expected = {"run": 0o750, "state": 0o700, "state/generations": 0o700, "log": 0o750}
    assert expected == {name: (tmp_path / name).stat().st_mode & 0o777 for name in expected}
    assert not (tmp_path / "config").exists()


def test_a_snapshot_is_read_before_anything_is_made(locks, tmp_path, monkeypatch):
    """One that cannot be served ends the program with one line; another gives a service for it."""
    monkeypatch.setattr(plugin, "installed_reactor", Clock())
    path = tmp_path / "envoy.json"
    found = Options()
    found.parseOptions([f"--snapshot={path}"] + [f"--{name}-dir={tmp_path / name}" for name in ("run", "state", "log")])
    with pytest.raises(SystemExit, match=r"^meshd: .*/envoy.json: expected a file that can be read: No such file or directory$"):
        plugin.makeService(found)
    assert not (tmp_path / "run").exists()
    path.write_text('{"staticResources": {}}')
    assert isinstance(plugin.makeService(found), plugin.FileDaemon)


def test_durations_are_monotonic(options, locks):
    """Twisted's default is the wall clock."""
    plugin.makeService(options)
    assert plugin.installed_reactor.seconds is plugin.time.monotonic


def test_a_second_one_ends_with_one_line(options, locks):
    """No stack trace."""
    plugin.makeService(options)
    with pytest.raises(SystemExit, match=r"^meshd: .*/run: another meshd runs here"):
        plugin.makeService(options)


def test_directories_belong_to_twistds_user(options, locks, monkeypatch):
    """It gives up root before the service starts."""
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(plugin, "give_directory", lambda path, *rest: given.append((path.name, *rest)))
    options.parent = {"uid": os.getuid(), "gid": None}
    service = plugin.makeService(options)
    group = plugin.pwd.getpwuid(os.getuid()).pw_gid
    assert [(name, os.getuid(), group, mode) for name, mode in (("run", 0o750), ("state", 0o700), ("generations", 0o700), ("log", 0o750))] == given
    assert os.getuid() == service._settings.twistd_uid


def test_twistd_finds_it():
    """The plugin's file names this module, and nothing is imported for it."""
    from twisted.plugins.meshd_plugin import meshd

    assert ("meshd", "meshd.tap.plugin", "meshd") == (meshd.name, meshd.module, meshd.tapname)
