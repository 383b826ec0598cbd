"""Which user and group meshd's processes run as, and so whose connections are never captured."""

import grp
import pwd
from collections.abc import Callable

from meshd.base.errors import ConfigurationError
from meshd.capture.reading import MAX_ID
from meshd.capture.rules import Identity

USER = "meshd"
WITHOUT_USER = 1337  # Istio's; where no package has created the user

FindUser = Callable[[str], tuple[int, int]]
"""Name of a user to its uid and gid; raises KeyError."""


def own_identity(user: str, find_user: FindUser | None = None) -> Identity:
    """
    Give the ids for `Node.user`: a name, a number, or nothing for `meshd`, and 1337 where there is no such user.

    Raises:
        ConfigurationError: If the user is named but unknown, or is root, or no number in range.
    """
    find = find_user or _find_user
    if not user:
        try:
            uid, gid = find(USER)
        except KeyError:
            uid = gid = WITHOUT_USER
    elif user.isascii() and user.isdigit():
        uid = gid = int(user[:11])
    else:
        try:
            uid, gid = find(user)
        except KeyError:
            raise ConfigurationError(f"user: expected a user of this machine or a number, got {user!r}; create the user or leave it out") from None
    if not 0 < uid <= MAX_ID or not 0 < gid <= MAX_ID:
        raise ConfigurationError(f"user: expected an unprivileged user, got {user or USER!r} (uid {uid}, gid {gid})")
    return Identity(uid, gid)


def find_uid(name: str) -> int:
    """Give a user's number; KeyError where there is none."""
    return pwd.getpwnam(name).pw_uid


def find_gid(name: str) -> int:
    """Give a group's number; KeyError where there is none."""
    return grp.getgrnam(name).gr_gid


def _find_user(name: str) -> tuple[int, int]:
    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid
