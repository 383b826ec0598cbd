"""meshd's own directories: made with the right modes, and one daemon in each run directory."""

import fcntl
import os
from pathlib import Path

from meshd.base.errors import ConfigurationError


def make_directory(path: Path, mode: int) -> None:
    """
    Make a directory if it is missing; an existing one keeps its mode.

    Raises:
        ConfigurationError: If it cannot be made, or is none, or cannot be written to.
    """
    try:
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)  # reason: mkdir's mode is cut by the umask
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a directory that can be made: {error.strerror}") from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(f"{path}: expected a directory that this user (uid {os.geteuid()}) can write to")


def give_directory(path: Path, uid: int, gid: int, mode: int) -> None:
    """
    Make a directory somebody's own.

    Raises:
        ConfigurationError: If that is not permitted.
    """
    try:
        os.chown(path, uid, gid)
        path.chmod(mode)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be given to uid {uid}, gid {gid}: {error.strerror}; in a user namespace these ids must be mapped",
        ) from None


def make_shared_memory(path: Path, size: int, gid: int, *, used: bool) -> None:
    """
    Make a file that workers share as memory; one of that size is left as it is where it is used, else what stands there is of no use any more.

    Args:
        path: In the run directory.
        size: Bytes.
        gid: The workers' group, which may write to it.
        used: There are workers that outlived the last control plane.

    Raises:
        ConfigurationError: If it cannot be made.
    """
    try:
        if path.exists() and not (used and path.stat().st_size == size):
            path.unlink()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
        try:
            os.ftruncate(descriptor, size)
            os.fchmod(descriptor, 0o660)
            if os.geteuid() == 0:
                os.fchown(descriptor, 0, gid)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a file that can be made: {error.strerror}") from None


def lock_run_directory(run_dir: Path) -> int:
    """
    Take the run directory for this process and its forks; the lock ends with the last of them, whose file may be removed before.

    Returns:
        The descriptor that holds the lock; it is not inherited by other programs.

    Raises:
        ConfigurationError: If another meshd has it.
    """
    path = run_dir / "lock"
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise ConfigurationError(f"{run_dir}: another meshd runs here; stop it, or give this one a --run-dir of its own") from None
        if _is_file(descriptor, path):
            return descriptor
        os.close(descriptor)  # the last owner removed it between our two steps


def _is_file(descriptor: int, path: Path) -> bool:
    """Tell whether a descriptor is the file that a path names now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
