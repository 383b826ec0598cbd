"""Mounts of one container: system calls, and mount points where the machine's file system has none."""

import ctypes
import os
import tempfile
from pathlib import Path

# linux/mount.h, linux/sched.h
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x2000, 0x4000, 0x40000
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x4000000, 0x20000000, 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def enter(namespace: str, flag: int) -> None:
    """Enter a namespace by its file."""
    with open(namespace, "rb") as opened:
        _checked(_libc.setns(opened.fileno(), flag), namespace)


def mount(source: str, target: str, flags: int, kind: str = "") -> None:
    """Mount, or change a mount."""
    _checked(_libc.mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), None), target)


def take_root() -> None:
    """Take a root folder in memory that shows what the machine's root holds: places to mount on can be made in it."""
    root = _double(Path("/"))
    os.chdir(root)
    mount(str(root), "/", MS_MOVE)
    os.chroot(".")


def bind(source: str, target: str, read_only: bool) -> None:
    """Put a file or folder of the machine at a place of the container."""
    provide(Path(target), folder=os.path.isdir(source))
    mount(source, target, MS_BIND | MS_REC)
    if read_only:
        protect(target)


def protect(place: str) -> None:
    """Make a mount read-only."""
    mount("", place, MS_REMOUNT | MS_BIND | MS_RDONLY)


def provide(target: Path, folder: bool) -> None:
    """
    Have a place to mount on.

    Where there is none, the nearest folder above gets a double in memory, so that nothing is made on the machine's own file system; /run is in
    memory already (tests.helpers.netns.mount_private_run).
    """
    target = Path(os.path.realpath(target))
    if target.exists():
        return
    above = next(parent for parent in target.parents if parent.exists())
    if os.stat(above).st_dev not in (*_doubles, os.stat("/run").st_dev):
        double = _double(above)
        mount(str(double), str(above), MS_MOVE)
        double.rmdir()
    if folder:
        target.mkdir(parents=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


_doubles: set[int] = set()
"""Devices of what `_double` made."""


def _double(folder: Path) -> Path:
    """Give a folder in memory that shows what another one holds."""
    double = Path(tempfile.mkdtemp(prefix="double-", dir="/run"))
    mount("tmpfs", str(double), 0, "tmpfs")
    double.chmod(folder.stat().st_mode & 0o7777)
    for entry in os.scandir(folder):
        shown = double / entry.name
        if entry.is_symlink():
            shown.symlink_to(os.readlink(entry.path))
            continue
        if entry.is_dir():
            shown.mkdir()
        else:
            shown.touch()
        mount(entry.path, str(shown), MS_BIND | MS_REC)
    _doubles.add(double.stat().st_dev)
    return double


def _checked(status: int, what: str) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
