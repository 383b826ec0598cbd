"""A real directory, the kernel's notices and the real reactor, from files to the World."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 15.0  # seconds; for a machine that is busy with other things
QUICK = 3.0  # seconds; far below the rescan interval of the test, so that it was a notice that did it
RESCAN = 60.0  # seconds

PROGRAM = """
import json, sys
from twisted.internet import reactor
from meshd.control.ingest import Ingest
from meshd.model.service import Service
from meshd.sources.directory import DirectorySource
from meshd.sources.watch import FolderWatch

ingest = Ingest()

def on_change(delivery):
    world = ingest.take(delivery)
    services = {service.metadata.name: service.cluster_ips[0] for service in world.all(Service)}
    print(json.dumps({"services": services, "problems": [str(problem) for problem in ingest.problems()]}), flush=True)

watch = FolderWatch(reactor) if sys.argv[2] == "watch" else None
source = DirectorySource(sys.argv[1], reactor, on_change, watch=watch, rescan_interval=float(sys.argv[3]), settle=float(sys.argv[4]))
reactor.callWhenRunning(source.start)
reactor.addSystemEventTrigger("before", "shutdown", source.stop)
reactor.run()
"""


def service(name: str, number: int) -> str:
    """Give a Service's text."""
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{clusterIP: 10.0.0.{number}, ports: [{{port: 80}}]}}\n"


class Reader:
    """A process that reads a directory, and what it said last."""

    def __init__(self, path: Path, watch: bool, rescan: float, settle: float = 0.5) -> None:
        root = Path(__file__).parents[2]
        arguments = [sys.executable, "-c", PROGRAM, str(path), "watch" if watch else "", str(rescan), str(settle)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=root, bufsize=0)
        self.said: dict[str, object] = {}
        self.all_said: list[dict[str, object]] = []
        self._bytes = b""

    def wait_for(self, wanted: Callable[[dict[str, object]], bool], patience: float = PATIENCE) -> dict[str, object]:
        """Wait until it says what is wanted; return the last it said."""
        assert self.process.stdout is not None
        end = time.monotonic() + patience
        while not (self.said and wanted(self.said)):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                break
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                break
            self._bytes += part
            *lines, self._bytes = self._bytes.split(b"\n")
            for line in lines:
                self.said = json.loads(line)
                self.all_said.append(self.said)
        return self.said

    def expect_services(self, patience: float = QUICK, **services: int) -> None:
        """Wait until just these services are in use, by name and last number of their address."""
        expected = {name: f"10.0.0.{number}" for name, number in services.items()}
        assert expected == self.wait_for(lambda said: said["services"] == expected, patience)["services"]

    def stop(self) -> int:
        """End it; return its exit status."""
        self.process.terminate()
        _, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reader]:
    """Give a process that watches `tmp_path/conf` and has made its first delivery."""
    (tmp_path / "conf").mkdir()
    reader = Reader(tmp_path / "conf", watch=True, rescan=RESCAN)
    reader.wait_for(lambda said: True)
    yield reader
    assert 0 == reader.stop()


def test_edits_are_seen_at_once(tmp_path, reading):
    """Written in place, written aside and renamed, changed, broken, mended, removed."""
    conf = tmp_path / "conf"
    (conf / "a.yaml").write_text(service("a", 1))
    reading.expect_services(a=1)
    (conf / "a.yaml").write_text(service("a", 2))
    reading.expect_services(a=2)
    (conf / ".a.yaml.tmp").write_text(service("a", 3))
    (conf / ".a.yaml.tmp").rename(conf / "a.yaml")
    reading.expect_services(a=3)
    (conf / "a.yaml").write_text(service("a", 4) + "---\nbroken: [\n---\n" + service("b", 5))
    reading.expect_services(a=4, b=5)
    problems = [problem for problem in reading.said["problems"] if problem.startswith("a.yaml:7: expected YAML")]
    assert 1 == len(problems)
    (conf / "a.yaml").write_text(service("a", 4).replace("10.0.0.4", "x"))
    reading.wait_for(lambda said: bool(said["problems"]) and "clusterIP" in said["problems"][0])
    reading.expect_services(a=4)
    (conf / "a.yaml").unlink()
    reading.expect_services()


def test_a_slow_writer_is_waited_for(tmp_path):
    """What stands in a file before its writer closes it does not count while it keeps changing."""
    (tmp_path / "conf").mkdir()
    reading = Reader(tmp_path / "conf", watch=True, rescan=RESCAN, settle=RESCAN)
    reading.wait_for(lambda said: True)
    with (tmp_path / "conf" / "a.yaml").open("w") as file:
        for number in range(1, 6):
            file.write(service(f"s{number}", number) + "---\n")
            file.flush()
            reading.wait_for(lambda said: False, patience=0.05)
    reading.expect_services(s1=1, s2=2, s3=3, s4=4, s5=5)
    assert [0, 5] == sorted({len(said["services"]) for said in reading.all_said})
    assert 0 == reading.stop()


def test_a_mounted_volume_is_followed(tmp_path, reading):
    """Kubernetes swaps the link `..data`; folders and links of folders are followed too."""
    conf = tmp_path / "conf"
    for version, number in (("..1", 1), ("..2", 2)):
        (conf / version).mkdir()
        (conf / version / "a.yaml").write_text(service("a", number))
    (conf / "..data").symlink_to("..1")
    (conf / "a.yaml").symlink_to("..data/a.yaml")
    reading.expect_services(a=1)
    (conf / "..tmp").symlink_to("..2")
    (conf / "..tmp").rename(conf / "..data")
    reading.expect_services(a=2)


def test_folders_come_and_go(tmp_path, reading):
    """Watching goes on after a watched folder was deleted, made again and filled."""
    conf = tmp_path / "conf"
    for number in (1, 2):
        (conf / "sub").mkdir()
        (conf / "sub" / "a.yaml").write_text(service("a", number))
        reading.expect_services(a=number)
        (conf / "sub" / "a.yaml").unlink()
        (conf / "sub").rmdir()
        reading.expect_services()
    (conf / "b.yaml").write_text(service("b", 3))
    reading.expect_services(b=3)


def test_the_directory_itself_comes_and_goes(tmp_path, reading):
    """What was read stays while it is away."""
    conf = tmp_path / "conf"
    (conf / "a.yaml").write_text(service("a", 1))
    reading.expect_services(a=1)
    conf.rename(tmp_path / "away")
    said = reading.wait_for(lambda said: bool(said["problems"]), QUICK)
    assert ({"a": "10.0.0.1"}, 1) == (said["services"], len(said["problems"]))
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b.yaml").write_text(service("b", 2))
    (tmp_path / "new").rename(conf)
    reading.expect_services(b=2)
    assert [] == reading.said["problems"]


def test_without_notices_it_looks_again(tmp_path):
    """As on NFS; a directory that is missing at first is found too."""
    reader = Reader(tmp_path / "conf", watch=False, rescan=0.2)
    assert {} == reader.wait_for(lambda said: True)["services"]
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "a.yaml").write_text(service("a", 1))
    reader.expect_services(PATIENCE, a=1)
    os.mkfifo(tmp_path / "conf" / "fifo.yaml")
    (tmp_path / "conf" / "a.yaml").write_text(service("a", 2))
    reader.expect_services(PATIENCE, a=2)
    assert 0 == reader.stop()


def test_ten_thousand_files(tmp_path):
    """They come in one delivery."""
    conf = tmp_path / "conf"
    for folder in range(100):
        (conf / str(folder)).mkdir(parents=True)
        for number in range(100):
            (conf / str(folder) / f"{number}.yaml").write_text(service(f"s{folder}-{number}", 1))
    reader = Reader(conf, watch=True, rescan=RESCAN)
    said = reader.wait_for(lambda said: True, patience=60.0)
    assert (10_000, [], 1) == (len(said["services"]), said["problems"], len(reader.all_said))
    (conf / "7" / "7.yaml").write_text(service("s7-7", 9))
    assert "10.0.0.9" == reader.wait_for(lambda said: said["services"]["s7-7"] == "10.0.0.9", PATIENCE)["services"]["s7-7"]
    assert 0 == reader.stop()
