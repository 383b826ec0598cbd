"""Who processes are: ids, capabilities, limits."""

import ctypes
import os
import resource

_PR_SET_NO_NEW_PRIVS = 38  # prctl(2)


def drop_privileges(uid: int, gid: int) -> None:
    """
    Become another user for good; for an unprivileged one this gives up all capabilities too.

    Raises:
        OSError: If that is not permitted, or the ids are not mapped in this user namespace.
    """
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def refuse_new_privileges() -> None:
    """
    Make sure that no program this process executes gains privileges (PR_SET_NO_NEW_PRIVS).

    Raises:
        OSError: If the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")


def raise_descriptor_limit() -> int:
    """Allow as many open descriptors as the hard limit does; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return hard
