"""Bytes of any size between processes: sealed memfds, whose content can no longer change once they are sent."""

import fcntl
import os

from meshd.base.errors import WireError

INLINE_LIMIT = 32 * 1024  # AMP values end at 65,535 bytes; anything above half of that travels as a memfd
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def create_blob(content: bytes) -> int:
    """
    Give the descriptor of a sealed memfd; close it after the receiver has answered, never before.

    Raises:
        OSError: If there is no descriptor or memory left.
    """
    descriptor = os.memfd_create("meshd", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view):]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def take_blob(descriptor: int, limit: int) -> bytes:
    """
    Read a memfd that another process sent, and close it whatever happens.

    Args:
        descriptor: As received; owned by this function from now on.
        limit: Most bytes it may have.

    Raises:
        WireError: If it is no memfd, is not sealed against every change, or is larger than `limit`.
    """
    try:
        try:
            seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
        except OSError as error:
            raise WireError(f"expected a memfd, got another descriptor: {error.strerror}") from None
        if seals & _SEALS != _SEALS:
            raise WireError("expected a sealed memfd, its content could still change")
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise WireError(f"{size} bytes are more than this message may have ({limit})")
        return _read(descriptor, size)
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    """Read at offset 0, since the offset is shared with the sender; once is enough below 2 GiB, as Linux reads memfds whole."""
    content = os.pread(descriptor, size, 0)
    if len(content) != size:
        raise WireError(f"expected {size} bytes, got {len(content)}")
    return content
