"""Who the daemon and its workers are, and what that permits."""

import os

from meshd.base.errors import ConfigurationError
from meshd.capture.identity import own_identity
from meshd.capture.rules import Identity
from meshd.model.node import Node
from meshd.tap.capturing import applies_capture


def choose_identity(node: Node, euid: int, egid: int, twistd_uid: int | None = None) -> Identity:
    """
    Give the ids that workers run with: the Node's user for root, one's own otherwise.

    Args:
        node: This machine's.
        euid: Who runs the daemon.
        egid: Its group.
        twistd_uid: twistd's `--uid`; None when not given.

    Raises:
        ConfigurationError: If the daemon may not do what the Node asks for.
    """
    wants = applies_capture(node)
    if wants and twistd_uid is not None:
        raise ConfigurationError("twistd's --uid takes away what capture needs; set spec.user in this machine's Node, whose workers run unprivileged")
    if euid == 0 and twistd_uid is None:
        return own_identity(node.user)
    if wants:
        where = f"in this machine's Node ({node.metadata.origin})"
        raise ConfigurationError(f"capture needs root, this is uid {euid}; run as root, or set spec.capture.enabled: false {where}")
    return Identity(euid, egid)


def take_group(gid: int) -> None:
    """
    Make a group the effective one, so that this process's own connections are exempt from capture.

    Raises:
        ConfigurationError: If that is not permitted.
    """
    try:
        os.setegid(gid)
    except OSError as error:
        raise ConfigurationError(f"gid {gid}: {error.strerror}; in a user namespace this id must be mapped, or set spec.user in the Node") from None
