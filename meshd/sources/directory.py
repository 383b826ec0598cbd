"""A directory of YAML and JSON files as the source of the configuration: read once, or kept in step."""

import hashlib
import os
from collections.abc import Callable, Iterator

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.drafts import Delivery, Draft, pick_used
from meshd.model.mesh import Mesh, surplus_meshes
from meshd.model.world import Resource
from meshd.sources.drafts import Reading, read_all, read_drafts
from meshd.sources.files import KEPT, Signature, Tree, fault_of, file_problem, read_file, scan, scan_entry
from meshd.sources.watch import IWatch, Notice

log = Logger()

RESCAN_INTERVAL = 5.0  # seconds; how late a change is seen whose notice was missed, as on NFS and bind mounts
SETTLE = 0.5  # seconds that a file which may be half-written, emptied or gone stays so before that counts
SLICE = 0.005  # seconds of work between two looks at the rest of the daemon


@attrs.frozen
class Loaded:
    """What a directory says now, and everything that is wrong with it."""

    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...]


@attrs.define(eq=False)
class _File:
    """What is known of a file: as it was when last read; `signature` is None if it has to be read again."""

    signature: Signature | None = None
    digest: bytes = b""
    reading: Reading = attrs.field(factory=Reading)


def load_directory(path: str) -> Loaded:
    """Read a directory, or a single file, once; nothing is raised for what is wrong with it."""
    contents, problems = read_contents(path)
    used, found = pick_used(draft for name, content in contents.items() for draft in read_all(content, name))
    resources = tuple(resource for draft in used for resource in draft.resources)
    return Loaded(resources, (*problems, *found, *surplus_meshes(resource for resource in resources if isinstance(resource, Mesh))))


def read_contents(path: str) -> tuple[dict[str, bytes], list[Problem]]:
    """Read the files of a directory, or a single file: their bytes by name, and what is wrong with the others."""
    tree = Tree()
    if os.path.isfile(path):
        root, names = os.path.split(path)[0] or ".", [os.path.basename(path)]
    else:
        root = path
        for _ in scan(root, tree):
            pass
        names = sorted(tree.files)
    problems = [attrs.evolve(problem, message=problem.message.removesuffix(KEPT)) for problem in tree.problems]
    contents: dict[str, bytes] = {}
    for name in names:
        try:
            contents[name], _ = read_file(os.path.join(root, name))
        except OSError as error:
            problems.append(Problem(Origin(name), f"expected a readable file, got {fault_of(error)}"))
    return contents, problems


class DirectorySource:
    """
    Delivers what a directory says, then what changes.

    The first delivery holds everything, and is made even when the directory is missing; it is empty then. When the directory vanishes or cannot
    be read, what was read of it stays, and a Problem tells so. Work is done in slices, so that the reactor is never held up for long.
    """

    def __init__(
        self,
        path: str,
        clock: IReactorTime,
        on_change: Callable[[Delivery], object],
        *,
        watch: IWatch | None = None,
        rescan_interval: float = RESCAN_INTERVAL,
        settle: float = SETTLE,
    ) -> None:
        self._root = os.path.abspath(path)
        self._clock = clock
        self._on_change = on_change
        self._watch = watch
        self._rescan_interval = rescan_interval
        self._settle = settle
        self._files: dict[str, _File] = {}
        self._unsettled: dict[str, tuple[Signature | None, float]] = {}
        # what to look at in the next pass
        self._whole = True
        self._touched: set[str] = set()
        self._complete: set[str] = set()
        # what the next delivery will hold
        self._changed: dict[str, tuple[Draft, ...]] = {}
        self._removed: set[str] = set()
        self._tree_problems: list[Problem] = []
        self._file_problems: dict[str, Problem] = {}
        self._delivered: tuple[Problem, ...] | None = None
        self._passes: list[Iterator[None]] = []  # under way, the last one first: what was just touched does not wait for a look at everything
        self._calls: dict[str, IDelayedCall] = {}
        self._running = False

    def start(self) -> None:
        """Begin to read and to watch."""
        self._running = True
        if self._watch is not None:
            self._watch.start(self._noticed)
        self._later("slice", 0.0, self._slice)

    def stop(self) -> None:
        """End; nothing is delivered any more."""
        self._running = False
        self._passes = []
        for call in self._calls.values():
            call.cancel()
        self._calls = {}
        if self._watch is not None:
            self._watch.stop()

    def look(self) -> None:
        """Look at every file again, soon."""
        self._whole = True
        self._wake()

    def _noticed(self, notice: Notice) -> None:
        """Note what to look at; a folder outside the directory is its parent, watched for the directory itself."""
        inside = notice.folder == self._root or notice.folder.startswith(self._root + "/")
        relative = os.path.join(notice.folder, notice.name)[len(self._root) + 1 :]
        if notice.folder and not inside:
            self._whole = self._whole or notice.name == os.path.basename(self._root)
        elif not notice.name or notice.folders:
            self._whole = True
            if notice.complete:  # a folder moved here, or a link such as Kubernetes' `..data` swapped
                self._complete.add((relative.rpartition("/")[0] if notice.name.startswith(".") else relative) + "/")
        elif not notice.name.startswith("."):
            self._touched.add(relative)
            if notice.complete:
                self._complete.add(relative)
        if self._whole or self._touched:
            self._wake()

    def _wake(self) -> None:
        if self._running:
            self._later("slice", 0.0, self._slice)

    def _later(self, name: str, delay: float, function: Callable[[], None]) -> None:
        """Call a function later, unless a call of that name is due already."""

        def due() -> None:
            del self._calls[name]
            function()

        if name not in self._calls:
            self._calls[name] = self._clock.callLater(delay, due)

    def _slice(self) -> None:
        """Work for a while."""
        overtakes = self._touched and not self._whole and self._delivered is not None
        if not self._passes or (overtakes and len(self._passes) == 1):
            self._passes.append(self._pass())
        begin = self._clock.seconds()
        try:
            while self._clock.seconds() - begin < SLICE:
                next(self._passes[-1])
        except StopIteration:
            self._over()
        except Exception:
            log.failure("looking through the configuration directory failed; it will be tried again")
            self._whole, self._passes = True, []
            self._later("rescan", self._rescan_interval, self.look)
        else:
            self._later("slice", 0.0, self._slice)

    def _over(self) -> None:
        """Plan what comes after a pass, then deliver what it found."""
        self._passes.pop()
        self._later("rescan", self._rescan_interval, self.look)
        if self._unsettled:
            self._later("settle", self._settle, self._look_at_unsettled)
        if self._whole or self._touched or self._passes:
            self._wake()
        problems = (*self._tree_problems, *(self._file_problems[name] for name in sorted(self._file_problems)))
        if self._changed or self._removed or problems != self._delivered:
            delivery = Delivery(self._changed, frozenset(self._removed), problems)
            self._changed, self._removed, self._delivered = {}, set(), problems
            self._on_change(delivery)

    def _look_at_unsettled(self) -> None:
        self._touched.update(self._unsettled)
        self._wake()

    def _pass(self) -> Iterator[None]:
        """Look at everything, or at what was touched, and read what changed."""
        whole, touched, complete = self._whole or not os.path.isdir(self._root), self._touched, self._complete
        self._whole, self._touched, self._complete = False, set(), set()
        below = tuple(part.lstrip("/") for part in complete if part.endswith("/"))
        tree = Tree()
        if whole:
            yield from scan(self._root, tree)
            self._tree_problems = tree.problems
            self._watch_folders(tree)
        else:
            for name in sorted(touched):
                yield from scan_entry(f"{self._root}/{name}", name, tree)
            # what only a look at everything tells of: folders, and faults that came or may have gone
            faults = {problem.origin.file for problem in (*self._tree_problems, *tree.problems)}
            self._whole = self._whole or bool(tree.folders) or not faults.isdisjoint(touched)
        for name in sorted(tree.files):
            yield from self._visit(name, tree.files[name], complete=name in complete or name.startswith(below))
            yield
        self._find_removed(tree, None if whole else touched)

    def _visit(self, name: str, signature: Signature, *, complete: bool) -> Iterator[None]:
        """Read a file if it changed and is whole."""
        file = self._files.get(name)
        if file is not None and file.signature == signature:
            self._unsettled.pop(name, None)
            return
        emptied = signature.size == 0 and file is not None and bool(file.reading.drafts)
        if self._delivered is not None and (emptied or not complete) and not self._has_settled(name, signature):
            return
        self._unsettled.pop(name, None)
        file = self._files.setdefault(name, _File())
        try:
            content, file.signature = read_file(f"{self._root}/{name}")
        except OSError as error:
            file.signature = None
            self._file_problems[name] = file_problem(name, f"expected a readable file, got {fault_of(error)}")
            return
        self._file_problems.pop(name, None)
        if file.signature is None or (not content and signature.size):
            file.signature = None
            self._unsettled[name] = (None, self._clock.seconds())
            return
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if digest != file.digest:
            reading = Reading()
            yield from read_drafts(content, name, reading, file.reading.chunks)
            file.reading, file.digest = reading, digest
            self._changed[name] = reading.drafts
            self._removed.discard(name)

    def _has_settled(self, name: str, signature: Signature | None) -> bool:
        """Tell whether a file has been the same for the settle time; None stands for gone."""
        now = self._clock.seconds()
        seen = self._unsettled.get(name)
        if seen is None or seen[0] != signature:
            self._unsettled[name] = (signature, now)
            return False
        return now - seen[1] >= self._settle

    def _find_removed(self, tree: Tree, among: set[str] | None) -> None:
        """Forget the files that have been gone for the settle time; those below folders that cannot be read are not gone."""
        unread = tuple(tree.unread)
        for name in self._files.keys() | self._unsettled.keys() if among is None else among:
            if name in tree.files:
                continue
            if name not in self._files or name.startswith(unread):
                self._unsettled.pop(name, None)
            elif self._has_settled(name, None):
                del self._files[name], self._unsettled[name]
                self._file_problems.pop(name, None)
                self._changed.pop(name, None)
                self._removed.add(name)

    def _watch_folders(self, tree: Tree) -> None:
        """Watch every folder; the parent too where the directory itself may be put there or swapped."""
        if self._watch is None:
            return
        folders = dict(tree.folders)
        parent = os.path.dirname(self._root)
        if (not folders or os.path.islink(self._root)) and os.path.isdir(parent):
            found = os.stat(parent)
            folders[parent] = (found.st_dev, found.st_ino)
        self._watch.watch(folders)
