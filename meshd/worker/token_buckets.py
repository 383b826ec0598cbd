"""The buckets of rate limits, which the workers of a machine share through a file in memory."""

import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

import attrs

from meshd.base.xxhash64 import xxhash64
from meshd.tables.token_bucket import EMPTY_SINCE_EVER, TokenBucket

PLACES: Final = 16
"""Times that a bucket has: one a worker; what further workers write in others' places may let a request more through."""
BUCKETS: Final = 4096
_ENTRY: Final = struct.Struct(f"=Q{PLACES}d")
SIZE: Final = BUCKETS * _ENTRY.size
"""Bytes of the file; only those that are used take memory."""
_NEW: Final = [EMPTY_SINCE_EVER] * PLACES


@attrs.define(eq=False)
class TokenBuckets:
    """
    Finds the bucket of a key: that of all workers where there is a file, else one of this worker's own.

    The file holds entries of a key's hash and the bucket's times, each in the first free place from the one that the hash says. Entries are added
    under a lock when tables are built; a full file leaves new buckets to each worker.

    Attributes:
        path: The file, which the control plane makes; empty for none.
        own: Which worker this is.
        clock: Monotonic seconds, the same for all workers.
    """

    path: str
    own: int
    clock: Callable[[], float]
    _known: "WeakValueDictionary[str, TokenBucket]" = attrs.field(factory=WeakValueDictionary)
    _memory: mmap.mmap | None = None
    _descriptor: int = -1

    def bucket(self, key: str, max_tokens: int, rate: float) -> TokenBucket:
        """
        Give the bucket of a key, the same as long as anybody holds it.

        Args:
            key: Says all of it: where it stands, and its limits.
            max_tokens: How many tokens it holds.
            rate: Tokens a second.
        """
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = TokenBucket(max_tokens, rate, self.clock, self._times(key), self.own % PLACES)
        return found

    def _times(self, key: str) -> "list[float] | memoryview[float]":
        memory = self._open()
        place = -1 if memory is None else self._claim(memory, xxhash64(key.encode()) or 1)
        if memory is None or place < 0:
            return list(_NEW)
        return memoryview(memory)[place + 8:place + _ENTRY.size].cast("d")

    def _open(self) -> mmap.mmap | None:
        if self._memory is None and self.path:
            try:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
                self._memory = mmap.mmap(self._descriptor, SIZE)
            except (OSError, ValueError):  # there is none, or it is too short: each worker counts for itself
                self.path = ""
        return self._memory

    def _claim(self, memory: mmap.mmap, name: int) -> int:
        """Return where the entry of a key's hash begins, made if need be; -1 where there is no room."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            for step in range(BUCKETS):
                place = (name + step) % BUCKETS * _ENTRY.size
                there = int.from_bytes(memory[place:place + 8], "little")
                if there == 0:
                    _ENTRY.pack_into(memory, place, name, *_NEW)
                if there in (0, name):
                    return place
            return -1
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
