"""A directory, read once and kept in step, on a clock of the test's and with notices of the test's."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from zope.interface import implementer
from zope.interface.verify import verifyObject

from meshd.model.drafts import Delivery
from meshd.sources import directory
from meshd.sources.directory import DirectorySource, load_directory
from meshd.sources.watch import IWatch, Notice

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n"
GONE = "expected a readable file or directory, got no such file or directory; what was read of it before stays in use"
LOST = "expected a readable file, got no such file or directory; what was read of it before stays in use"


@implementer(IWatch)
class FakeWatch:
    """Tells what the test tells it to."""

    def __init__(self) -> None:
        self.folders: list[str] = []
        self.running = False

    def start(self, on_notice: Callable[[Notice], None]) -> None:
        """Begin."""
        self.tell = on_notice
        self.running = True

    def watch(self, folders: Mapping[str, tuple[int, int]]) -> None:
        """Remember the folders."""
        self.folders = sorted(folders)

    def stop(self) -> None:
        """End."""
        self.running = False


class Live:
    """A source on a directory of the test's, and what it delivered, as a line a delivery."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.watch = FakeWatch()
        self.lines: list[str] = []
        self.deliveries: list[Delivery] = []
        self.source = DirectorySource(str(path), self.clock, self.take, watch=self.watch)
        self.source.start()

    def take(self, delivery: Delivery) -> None:
        """Note a delivery: `file=names`, `-file`, `!problem`."""
        self.deliveries.append(delivery)
        parts = [f"{name}={','.join(draft.origin.name or '?' for draft in drafts)}" for name, drafts in sorted(delivery.files.items())]
        parts += [f"-{name}" for name in sorted(delivery.removed)] + [f"!{problem}" for problem in delivery.problems]
        self.lines.append(" ".join(parts))

    def write(self, name: str, *services: str, told: bool = True) -> None:
        """Write a file; with `told`, as an editor does, to its end."""
        (self.path / name).write_text("---\n".join(SERVICE % service for service in services))
        if told:
            self.notice(name)

    def notice(self, name: str, *, complete: bool = True, folders: bool = False) -> None:
        """Tell the source that something happened to a file."""
        folder, _, last = str(self.path / name).rpartition("/")
        self.watch.tell(Notice(folder, last, complete, folders))

    def after(self, *steps: float) -> list[str]:
        """Let time pass and return the deliveries made meanwhile."""
        self.clock.pump([0.0, *steps, 0.0])
        lines, self.lines = self.lines, []
        return lines


@pytest.fixture
def live(tmp_path):
    """Give a source on an empty directory that has made its first delivery."""
    (tmp_path / "conf").mkdir()
    found = Live(tmp_path / "conf")
    assert [""] == found.after()
    yield found
    found.source.stop()
    assert ([], False) == (found.clock.getDelayedCalls(), found.watch.running)


def test_the_fake_is_a_watch():
    """It has the face of the real one."""
    assert verifyObject(IWatch, FakeWatch())


def test_loads_a_directory_once(tmp_path):
    """Resources in order, the first of doubles, and everything that is wrong."""
    (tmp_path / "b.yaml").write_text(SERVICE % "x" + "---\n" + SERVICE % "w")
    (tmp_path / "a.yaml").write_text(SERVICE % "x" + "---\na: [\n")
    os.mkfifo(tmp_path / "c.yaml")
    loaded = load_directory(str(tmp_path))
    assert ["a.yaml:1 (Service default/x)", "b.yaml:6 (Service default/w)"] == [str(found.metadata.origin) for found in loaded.resources]
    assert [
        "c.yaml: expected a regular file, got a FIFO; it is ignored",
        "a.yaml:7: expected YAML, got a fault at column 1: did not find expected node content",
        "b.yaml:1 (Service default/x): metadata.name: expected each resource once, got Service default/x in a.yaml:1 too, "
        "which is used instead; remove or rename one of them",
    ] == [str(problem) for problem in loaded.problems]


def test_loads_a_single_file_and_nothing(tmp_path):
    """A file counts by whatever name; what is not there is a Problem."""
    (tmp_path / "x.test.yaml").write_text(SERVICE % "x")
    assert 1 == len(load_directory(str(tmp_path / "x.test.yaml")).resources)
    missing = load_directory(str(tmp_path / "none"))
    expected = f"{tmp_path}/none: expected a readable file or directory, got no such file or directory"
    assert ((), [expected]) == (missing.resources, [str(problem) for problem in missing.problems])


def test_the_first_delivery_holds_everything(tmp_path):
    """Half of it would have services vanish for a moment at each start."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(SERVICE % name)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.json").write_text("{}")
    found = Live(tmp_path)
    assert ["a.yaml=a b.yaml=b sub/c.json=?"] == found.after()
    assert [str(tmp_path), str(tmp_path / "sub")] == found.watch.folders
    assert [] == found.after(20.0)


def test_a_written_file_is_read_at_once(live):
    """No waiting for a file whose writer has closed it."""
    live.write("a.yaml", "x")
    assert ["a.yaml=x"] == live.after()
    live.write("a.yaml", "x", "w")
    assert ["a.yaml=x,w"] == live.after()
    live.notice("a.yaml")
    assert [] == live.after()


def test_a_file_without_a_notice_is_found_and_read_once_it_settled(live):
    """As on NFS: the rescan sees it, and waits until it has been the same for a while."""
    live.write("a.yaml", "x", told=False)
    assert [] == live.after(5.0)
    live.write("a.yaml", "x", "w", told=False)
    assert [] == live.after(0.5)
    assert ["a.yaml=x,w"] == live.after(0.5)


def test_a_file_that_is_being_written_waits_for_its_writer(live):
    """A notice that it began counts for nothing; the one that it ended does."""
    live.write("a.yaml", "x", told=False)
    live.notice("a.yaml", complete=False)
    assert [] == live.after(0.1)
    live.write("a.yaml", "x", "w")
    assert ["a.yaml=x,w"] == live.after()


def test_a_removed_file_counts_after_it_settled(live):
    """Editors that move a file away and write it anew leave no gap."""
    live.write("a.yaml", "x")
    live.after()
    (live.path / "a.yaml").unlink()
    live.notice("a.yaml")
    assert [] == live.after(0.25)
    live.write("a.yaml", "x")
    assert [] == live.after(0.5, 5.0)
    (live.path / "a.yaml").unlink()
    live.notice("a.yaml")
    assert ["-a.yaml"] == live.after(0.5)


def test_an_emptied_file_counts_after_it_settled(live):
    """A file is empty between being opened and written; one that stays empty holds nothing."""
    live.write("a.yaml", "x")
    live.after()
    (live.path / "a.yaml").write_text("")
    live.notice("a.yaml")
    assert [] == live.after(0.25)
    live.write("a.yaml", "w")
    assert ["a.yaml=w"] == live.after(0.25)
    (live.path / "a.yaml").write_text("")
    live.notice("a.yaml")
    assert ["a.yaml="] == live.after(0.5)


def test_a_renamed_file_is_never_missing(live):
    """Its resources are delivered from the new place before they leave the old one."""
    live.write("a.yaml", "x")
    live.after()
    (live.path / "a.yaml").rename(live.path / "b.yaml")
    live.notice("a.yaml")
    live.notice("b.yaml")
    assert ["b.yaml=x", "-a.yaml"] == live.after(0.5)


def test_a_swapped_link_counts_at_once(live):
    """Kubernetes mounts volumes as links to `..data`, which is swapped as a whole."""
    for version, service in (("..1", "x"), ("..2", "w")):
        (live.path / version).mkdir()
        (live.path / version / "a.yaml").write_text(SERVICE % service)
    (live.path / "..data").symlink_to("..1")
    (live.path / "a.yaml").symlink_to("..data/a.yaml")
    live.notice("a.yaml")
    assert ["a.yaml=x"] == live.after()
    (live.path / "new").symlink_to("..2")
    (live.path / "new").rename(live.path / "..data")
    live.notice("..data", folders=True)
    assert ["a.yaml=w"] == live.after()


def test_new_folders_are_looked_into_and_watched(live):
    """One that was moved here is whole; one that was made here is still being filled."""
    (live.path.parent / "made").mkdir()
    (live.path.parent / "made" / "a.yaml").write_text(SERVICE % "x")
    (live.path.parent / "made").rename(live.path / "moved")
    live.notice("moved", folders=True)
    assert ["moved/a.yaml=x"] == live.after()
    assert [str(live.path), str(live.path / "moved")] == live.watch.folders
    (live.path / "new").mkdir()
    live.write("new/b.yaml", "w", told=False)
    live.notice("new", complete=False, folders=True)
    assert [] == live.after(0.25)
    assert ["new/b.yaml=w"] == live.after(0.25)
    (live.path / "new" / "b.yaml").unlink()
    (live.path / "new").rmdir()
    live.notice("new", complete=False, folders=True)
    assert ["-new/b.yaml"] == live.after(0.5)


def test_a_link_to_a_folder_is_followed(live):
    """It looks like a file to the kernel's notices."""
    (live.path.parent / "other").mkdir()
    (live.path.parent / "other" / "a.yaml").write_text(SERVICE % "x")
    (live.path / "other").symlink_to(live.path.parent / "other")
    live.notice("other")
    assert ["other/a.yaml=x"] == live.after(0.5, 0.5)


def test_a_link_to_nothing_is_told_of_until_it_is_mended(live):
    """Both at once, not when everything is looked at the next time."""
    live.write("a.yaml", "x")
    live.after()
    (live.path / "link").symlink_to("nothing")
    (live.path / "link").rename(live.path / "a.yaml")
    live.notice("a.yaml")
    assert [f"!a.yaml: {LOST}"] == live.after()
    (live.path / "a.yaml").unlink()
    live.write("a.yaml", "w")
    assert ["a.yaml=w"] == [line.split(" !")[0] for line in live.after() if line]
    assert () == live.deliveries[-1].problems


def test_a_vanished_directory_keeps_what_was_read(live):
    """And says so; when it is back, its files count again."""
    live.write("a.yaml", "x")
    live.write("b.yaml", "w")
    live.after()
    live.path.rename(live.path.parent / "away")
    live.watch.tell(Notice(str(live.path), "", complete=False, folders=True))
    assert [f"!{live.path}: {GONE}"] == live.after(0.5, 5.0)
    assert [str(live.path.parent)] == live.watch.folders
    live.path.mkdir()
    live.write("b.yaml", "w", "z", told=False)
    live.watch.tell(Notice(str(live.path.parent), "conf", complete=False, folders=True))
    assert ["", "b.yaml=w,z -a.yaml"] == live.after(0.5)


def test_a_directory_that_is_deleted_file_by_file_keeps_what_was_read(live):
    """`rm -r` takes the files before the directory; both within the settle time."""
    live.write("a.yaml", "x")
    live.after()
    (live.path / "a.yaml").unlink()
    live.notice("a.yaml")
    live.after(0.1)
    live.path.rmdir()
    assert [f"!{live.path}: {GONE}"] == live.after(0.5, 0.5)


def test_a_missing_directory_is_waited_for(tmp_path):
    """The first delivery is made without it, so that a daemon without configuration serves."""
    found = Live(tmp_path / "conf")
    assert [f"!{tmp_path}/conf: {GONE}"] == found.after()
    (tmp_path / "conf").mkdir()
    found.write("a.yaml", "x", told=False)
    assert ["", "a.yaml=x"] == found.after(5.0, 0.5)


def test_a_file_that_cannot_be_read_keeps_what_was_read(live, monkeypatch):
    """It is told of, and tried again."""
    live.write("a.yaml", "x")
    live.after()

    def deny(path: str) -> tuple[bytes, None]:
        raise PermissionError(13, "no")

    with monkeypatch.context() as patched:
        patched.setattr(directory, "read_file", deny)
        live.write("a.yaml", "w")
        expected = "!a.yaml: expected a readable file, got permission denied; what was read of it before stays in use"
        assert [expected] == live.after()
        assert [] == live.after(5.0, 0.5)
    assert ["a.yaml=w"] == live.after(5.0, 0.5)


def test_a_file_that_changes_while_it_is_read_is_read_again(live, monkeypatch):
    """Half of one version and half of another is no version."""
    live.write("a.yaml", "x")
    with monkeypatch.context() as patched:
        patched.setattr(directory, "read_file", lambda path: (b"half", None))
        assert [] == live.after()
    assert ["a.yaml=x"] == live.after(0.5, 0.5)


def test_hidden_names_and_strangers_cost_nothing(live):
    """Swap files of editors, and neighbours of the directory, make no work."""
    live.notice(".a.yaml.swp")
    live.watch.tell(Notice(str(live.path.parent), "neighbour", complete=True, folders=False))
    waiting = [call.getTime() - live.clock.seconds() for call in live.clock.getDelayedCalls()]
    assert [5.0] == waiting


def test_lost_notices_make_it_look_at_everything(live):
    """As after the kernel's queue overflowed."""
    live.write("a.yaml", "x", told=False)
    live.watch.tell(Notice("", "", complete=False, folders=True))
    assert ["a.yaml=x"] == live.after(0.5)


def test_looks_when_asked(live):
    """For the signal that reloads."""
    live.write("a.yaml", "x", told=False)
    live.source.look()
    assert ["a.yaml=x"] == live.after(0.5)


def test_work_is_done_in_slices(tmp_path, monkeypatch):
    """After a slice's time the reactor has its turn."""
    for number in range(20):
        (tmp_path / f"{number}.yaml").write_text(SERVICE % f"s{number}")
    found = Live(tmp_path)
    ticks = iter(range(1_000_000))
    delays: list[float] = []
    call_later = found.clock.callLater
    monkeypatch.setattr(found.clock, "seconds", lambda: next(ticks) * directory.SLICE)
    monkeypatch.setattr(found.clock, "callLater", lambda delay, *rest: delays.append(delay) or call_later(delay, *rest))
    found.clock.advance(0)
    found.source.stop()
    assert 20 < delays.count(0.0)
    assert 20 == len(found.deliveries[0].files)


def test_a_change_does_not_wait_for_a_look_at_everything(live, monkeypatch):
    """What was just written is delivered while thousands of other files are still being looked at; the look goes on afterwards."""
    for number in range(20):
        live.write(f"{number}.yaml", f"s{number}", told=False)
    live.after(directory.RESCAN_INTERVAL, directory.SETTLE)
    moment, ticks, call_later = live.clock.seconds, iter(range(1_000_000)), live.clock.callLater
    monkeypatch.setattr(directory, "SLICE", 1.5e-9)  # one step a slice
    monkeypatch.setattr(live.clock, "seconds", lambda: moment() + next(ticks) * 1e-9)
    monkeypatch.setattr(live.clock, "callLater", lambda delay, *rest: call_later(max(delay, 0.001), *rest))
    live.write("missed.yaml", "late", told=False)
    live.source.look()
    live.after(*[0.001] * 5)
    live.write("0.yaml", "other")
    assert ["0.yaml=other"] == live.after(*[0.001] * 6)
    assert ["missed.yaml=late"] == live.after(*[0.001] * 100, directory.SETTLE, *[0.001] * 100)


def test_a_bug_does_not_end_the_source(live, monkeypatch):
    """It is logged, and the next look finds what was missed."""
    events: list[object] = []
    globalLogPublisher.addObserver(events.append)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    live.write("a.yaml", "x")
    with monkeypatch.context() as patched:
        patched.setattr(directory, "scan_entry", fail)
        assert [] == live.after()
    globalLogPublisher.removeObserver(events.append)
    assert 1 == len(events)
    assert ["a.yaml=x"] == live.after(5.0, 0.5)


def test_stopping_within_a_delivery_leaves_nothing(tmp_path):
    """The taker may stop the source."""
    clock = Clock()
    source = DirectorySource(str(tmp_path), clock, lambda delivery: source.stop())
    source.start()
    clock.advance(0)
    assert [] == clock.getDelayedCalls()
