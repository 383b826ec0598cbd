"""Notices from the kernel: what they tell of, and that watching goes on whatever is deleted."""

import os

import pytest
from twisted.internet import inotify
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import globalLogPublisher
from zope.interface.verify import verifyObject

from meshd.sources.watch import FolderWatch, IWatch, Notice


class Watching:
    """A watch on a folder of the test's, read when the test says so."""

    def __init__(self, path):
        self.path = path
        self.reactor = MemoryReactorClock()
        self.notices = []
        self.watch = FolderWatch(self.reactor)
        self.watch.start(self.notices.append)
        self.look_at(path)

    def look_at(self, *paths):
        """Watch these folders."""
        self.watch.watch({str(path): (os.stat(path).st_dev, os.stat(path).st_ino) for path in paths})

    def told(self):
        """Read what the kernel has to say; return (name, complete, folders)."""
        for reader in list(self.reactor.getReaders()):
            reader.doRead()
        self.reactor.advance(0)
        notices, self.notices[:] = list(self.notices), []
        return [(notice.name, notice.complete, notice.folders) for notice in notices]


@pytest.fixture
def watching(tmp_path):
    """Give a watch on an empty folder."""
    (tmp_path / "conf").mkdir()
    found = Watching(tmp_path / "conf")
    yield found
    found.watch.stop()
    found.reactor.advance(0)
    assert [] == found.reactor.getReaders()


def test_is_a_watch():
    """It has the face that the source asks for."""
    assert verifyObject(IWatch, FolderWatch(MemoryReactorClock()))


def test_tells_of_files(watching):
    """Writing begins and ends; moves and deletions are whole at once; each notice names its folder."""
    file = watching.path / "a.yaml"
    file.write_text("a: 1")
    assert [("a.yaml", False, False), ("a.yaml", True, False)] == watching.told()
    file.write_text("a: 2")
    assert [("a.yaml", True, False)] == watching.told()
    file.rename(watching.path / "b.yaml")
    assert [("a.yaml", True, False), ("b.yaml", True, False)] == watching.told()
    (watching.path / "b.yaml").chmod(0o600)
    (watching.path / "b.yaml").unlink()
    assert [("b.yaml", False, False), ("b.yaml", True, False)] == watching.told()
    file.write_text("")
    for reader in watching.reactor.getReaders():
        reader.doRead()
    assert Notice(str(watching.path), "a.yaml", True, False) == watching.notices[-1]


def test_tells_of_folders_and_links(watching):
    """A folder that was moved here is whole, one that was made is not; links are whole, and hidden ones stand for folders."""
    (watching.path / "made").mkdir()
    assert [("made", False, True)] == watching.told()
    (watching.path.parent / "other").mkdir()
    (watching.path.parent / "other").rename(watching.path / "moved")
    assert [("moved", True, True)] == watching.told()
    (watching.path / "a.yaml").symlink_to("x")
    assert [("a.yaml", True, False)] == watching.told()
    (watching.path / "..data").symlink_to("made")
    assert [("..data", True, True)] == watching.told()


def test_follows_what_it_is_told_to_watch(watching):
    """Folders come and go; one that was replaced under its name is watched anew."""
    sub = watching.path / "sub"
    sub.mkdir()
    watching.look_at(watching.path, sub)
    watching.told()
    (sub / "a.yaml").write_text("")
    assert [("a.yaml", False, False), ("a.yaml", True, False)] == watching.told()
    sub.rename(watching.path / "old")
    sub.mkdir()
    watching.look_at(watching.path, sub)
    watching.told()
    (sub / "b.yaml").write_text("")
    (watching.path / "old" / "c.yaml").write_text("")
    assert [("b.yaml", False, False), ("b.yaml", True, False)] == watching.told()
    watching.look_at(sub)
    (watching.path / "d.yaml").write_text("")
    assert [] == watching.told()


def test_goes_on_after_a_watched_folder_was_deleted(watching):
    """Twisted's inotify closes itself then: it is opened anew, and everything has to be looked at."""
    sub = watching.path / "sub"
    sub.mkdir()
    watching.look_at(watching.path, sub)
    watching.told()
    sub.rmdir()
    assert ("", False, True) in watching.told()
    watching.told()
    (watching.path / "a.yaml").write_text("")
    assert [("a.yaml", False, False), ("a.yaml", True, False)] == watching.told()


def test_without_inotify_it_says_so_once(monkeypatch, tmp_path):
    """A machine whose watches are used up is served by looking again."""
    events = []
    globalLogPublisher.addObserver(events.append)

    def fail(*_):
        raise inotify.INotifyError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(inotify._inotify, "init", fail)
        blind = Watching(tmp_path)
        patched.undo()
        patched.setattr(inotify._inotify, "add", fail)
        crowded = Watching(tmp_path)
        crowded.look_at(tmp_path)
    globalLogPublisher.removeObserver(events.append)
    assert ([], []) == (blind.told(), crowded.told())
    assert ["no room", "no room"] == [event["reason"] for event in events]
    blind.watch.stop()
    crowded.watch.stop()


def test_a_folder_that_is_gone_already_is_no_reason_to_complain(watching):
    """It was deleted between being found and being watched."""
    events = []
    globalLogPublisher.addObserver(events.append)
    watching.watch.watch({str(watching.path / "gone"): (1, 2)})
    globalLogPublisher.removeObserver(events.append)
    assert [] == events
