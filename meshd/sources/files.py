"""The files of a configuration directory: which there are, whether they changed, and what is in them."""

import errno
import os
import stat
from collections.abc import Iterator

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.base.texts import printable
from meshd.sources.documents import MAX_FILE_BYTES

MAX_FOLDER_DEPTH = 32  # folders within folders; deeper than any hand-made tree, shallower than a path's limit

KEPT = "; what was read of it before stays in use"

_SUFFIXES = (".yaml", ".yml", ".json")
_TESTS = (".test.yaml", ".test.yml", ".test.json")


@attrs.frozen
class Signature:
    """What changes about a file when its content may have changed."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    mode: int


@attrs.define(eq=False)
class Tree:
    """
    What a directory holds, links followed.

    Attributes:
        files: Signature by path relative to the directory, parts joined with `/`.
        folders: Every folder that was read, the directory itself among them: path that can be opened -> (device, inode).
        unread: Relative paths of folders that could not be read, with `/` at their end; an empty text is the directory itself.
        problems: What is wrong with files and folders.
    """

    files: dict[str, Signature] = attrs.field(factory=dict)
    folders: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    unread: list[str] = attrs.field(factory=list)
    problems: list[Problem] = attrs.field(factory=list)


def is_configuration(name: str) -> bool:
    """Tell whether a file of this name is read: hidden files, back-ups and tests are not."""
    return name.endswith(_SUFFIXES) and not name.startswith(".") and not name.endswith(_TESTS)


def signature_of(found: os.stat_result) -> Signature:
    """Give the signature of what stat found."""
    return Signature(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)


def fault_of(error: OSError) -> str:
    """Give the system's words for a fault, without the path."""
    return os.strerror(error.errno).lower() if error.errno else "an unknown fault"


def scan(root: str, tree: Tree) -> Iterator[None]:
    """Fill a tree; yields after each entry, so that the caller can pause."""
    yield from _scan_folder(root, "", tree, ())


def _scan_folder(path: str, prefix: str, tree: Tree, above: tuple[tuple[int, int], ...]) -> Iterator[None]:
    try:
        found = os.stat(path)
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        tree.unread.append(prefix)
        said = f"expected a readable file or directory, got {fault_of(error)}{KEPT}"
        tree.problems.append(Problem(Origin(prefix.rstrip("/") or path), said))
        return
    place = (found.st_dev, found.st_ino)
    if place in above or len(above) > MAX_FOLDER_DEPTH:
        tree.problems.append(Problem(Origin(prefix.rstrip("/")), "expected a folder that is not within itself, got a loop", severity="warning"))
        return
    tree.folders[path] = place
    for name in names:
        if name.startswith("."):
            continue
        yield from scan_entry(f"{path}/{name}", prefix + name, tree, (*above, place))
        yield


def scan_entry(path: str, relative: str, tree: Tree, above: tuple[tuple[int, int], ...] = ()) -> Iterator[None]:
    """Add one file or folder to a tree; `above` are the folders that it is in, by device and inode."""
    name = relative.rpartition("/")[2]
    try:
        found = os.stat(path)
    except OSError as error:
        if is_configuration(name) and (error.errno != errno.ENOENT or os.path.islink(path)):
            tree.unread.append(relative)
            tree.problems.append(file_problem(printable(relative), f"expected a readable file, got {fault_of(error)}"))
        return
    if stat.S_ISDIR(found.st_mode):
        yield from _scan_folder(path, relative + "/", tree, above)
    elif not is_configuration(name):
        return
    elif not relative.isprintable() or not stat.S_ISREG(found.st_mode):
        said = "a printable file name, got an odd one" if stat.S_ISREG(found.st_mode) else f"a regular file, got {_kind(found.st_mode)}"
        tree.problems.append(Problem(Origin(printable(relative)), f"expected {said}; it is ignored", severity="warning"))
    else:
        tree.files[relative] = signature_of(found)
        if found.st_mode & stat.S_IWOTH:
            said = "expected a file that only its owner can change, got one that everybody can"
            tree.problems.append(Problem(Origin(relative), said, hint="chmod o-w", severity="warning"))


def read_file(path: str) -> tuple[bytes, Signature | None]:
    """
    Return a regular file's content, cut one byte past the longest that is accepted, and its signature; None if it changed meanwhile.

    Never waits: a FIFO or socket in its place is refused.

    Raises:
        OSError: If it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        parts, room = [], MAX_FILE_BYTES + 1
        while room > 0 and (part := os.read(descriptor, min(room, 1 << 20))):
            parts.append(part)
            room -= len(part)
        before, after = signature_of(found), signature_of(os.fstat(descriptor))
        return b"".join(parts), before if before == after else None
    finally:
        os.close(descriptor)


def file_problem(file: str, message: str) -> Problem:
    """Give the Problem of a file that could not be read; what was read of it before stays in use."""
    return Problem(Origin(file), message + KEPT)


def _kind(mode: int) -> str:
    checks = ((stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))
    return next((words for check, words in checks if check(mode)), "something else")
