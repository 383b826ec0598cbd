"""bpf(2): maps of the kernel that processes share by their descriptors, and the loading of programs. No library of C's is needed for it."""

import ctypes
import errno
import mmap
import os
import platform
import struct
import sys
from typing import Any

CALL_NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361}
"""Number of the system call by machine; where none is known there is no BPF."""

HASH = 1
SOCKHASH = 18
RINGBUF = 27
ON_DEMAND = 1
"""BPF_F_NO_PREALLOC: a hash takes memory for the elements it has."""

_MAP_CREATE, _LOOKUP, _UPDATE, _DELETE, _LOAD, _ATTACH = 0, 1, 2, 3, 5, 8
_SK_SKB = 14  # program type
_STREAM_VERDICT = 5  # attach type
_LOG_SIZE = 65536
_ATTRIBUTES = 128  # bytes of union bpf_attr that are used, zeros behind

_WORD = struct.Struct("=Q")
_RECORD = struct.Struct("=I4xQ")  # a record of eight bytes: its header, a length with two flags, and the word
_BUSY, _DISCARDED = 1 << 31, 1 << 30

_libc: Any = ctypes.CDLL(None, use_errno=True)


def call(command: int, attributes: "ctypes.Array[ctypes.c_char]") -> int:
    """
    Make the system call.

    Raises:
        OSError: If the kernel refuses, or its call is not known for this machine.
    """
    number = CALL_NUMBERS.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    result: int = _libc.syscall(number, command, attributes, len(attributes))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _attributes(layout: str, *values: int) -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(struct.pack(layout, *values), _ATTRIBUTES)


class Map:
    """
    A map of 64-bit keys, known by a descriptor that this object owns.

    Attributes:
        descriptor: Of the map; -1 once closed.
    """

    __slots__ = ("_attributes", "_key", "_naming", "_value", "descriptor")

    def __init__(self, descriptor: int, size: int) -> None:
        """
        Take over a descriptor.

        Args:
            descriptor: Of a map whose keys have eight bytes.
            size: Bytes of a value.
        """
        self.descriptor = descriptor
        self._key = ctypes.create_string_buffer(8)
        self._value = ctypes.create_string_buffer(size)
        self._attributes = _attributes("=IIQQQ", descriptor, 0, ctypes.addressof(self._key), ctypes.addressof(self._value), 0)
        self._naming = _attributes("=IIQ", descriptor, 0, ctypes.addressof(self._key))

    def put(self, key: int, value: bytes) -> None:
        """
        Set a value.

        Raises:
            OSError: If the kernel refuses: E2BIG when the map is full, EOPNOTSUPP for a socket that is not established.
        """
        self._key.raw = key.to_bytes(8, sys.byteorder)
        self._value.raw = value
        call(_UPDATE, self._attributes)

    def get(self, key: int) -> bytes | None:
        """
        Give a value, None where there is none.

        Raises:
            OSError: If the kernel refuses.
        """
        self._key.raw = key.to_bytes(8, sys.byteorder)
        try:
            call(_LOOKUP, self._attributes)
        except FileNotFoundError:
            return None
        return self._value.raw

    def delete(self, key: int) -> None:
        """
        Remove a value, which need not be there.

        Raises:
            OSError: If the kernel refuses.
        """
        self._key.raw = key.to_bytes(8, sys.byteorder)
        try:
            call(_DELETE, self._naming)
        except FileNotFoundError:
            return

    def close(self) -> None:
        """Close the descriptor; the map lives on while other processes hold it, or programs use it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def create_map(kind: int, size: int, entries: int, flags: int = 0) -> Map:
    """
    Make a map of 64-bit keys.

    Args:
        kind: `HASH` or `SOCKHASH`.
        size: Bytes of a value.
        entries: Most elements.
        flags: Such as `ON_DEMAND`.

    Raises:
        OSError: If the kernel refuses, with EPERM where that is not permitted.
    """
    return Map(call(_MAP_CREATE, _attributes("=IIIII", kind, 8, size, entries, flags)), size)


def create_ring(size: int) -> int:
    """
    Give the descriptor of a ring buffer.

    Args:
        size: Its bytes: a power of two, and whole pages.

    Raises:
        OSError: If the kernel refuses.
    """
    return call(_MAP_CREATE, _attributes("=IIIII", RINGBUF, 0, 0, size, 0))


class Ring:
    """
    The reading end of a ring buffer: words of eight bytes that programs write; its descriptor is readable when there are some.

    Attributes:
        descriptor: Of the buffer, owned by this object.
    """

    __slots__ = ("_place", "_read", "_size", "_written", "descriptor")

    def __init__(self, descriptor: int, size: int) -> None:
        """
        Take over a descriptor, and map the buffer.

        Args:
            descriptor: Of a ring buffer.
            size: Its bytes.

        Raises:
            OSError: If it is none.
        """
        page = mmap.PAGESIZE
        self.descriptor = descriptor
        self._size = size
        self._read = mmap.mmap(descriptor, page, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._written = mmap.mmap(descriptor, page + size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)

    def take(self) -> list[int]:
        """Take all words that were written."""
        found = []
        place, = _WORD.unpack_from(self._read)
        end, = _WORD.unpack_from(self._written)
        while place < end:
            header, word = _RECORD.unpack_from(self._written, mmap.PAGESIZE + place % self._size)
            if header & _BUSY:
                break
            if not header & _DISCARDED:
                found.append(word)
            place += _RECORD.size
        _WORD.pack_into(self._read, 0, place)
        return found

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            self._read.close()
            self._written.close()
            os.close(self.descriptor)
            self.descriptor = -1


def load_verdict(program: bytes) -> int:
    """
    Give the descriptor of a loaded program that judges the bytes of a stream (`sk_skb/stream_verdict`).

    Raises:
        OSError: If the kernel refuses; the verifier's last words are in the text.
    """
    code, licence = ctypes.create_string_buffer(program, len(program)), ctypes.create_string_buffer(b"GPL")
    words = ctypes.create_string_buffer(_LOG_SIZE)
    attributes = _attributes(
        "=IIQQIIQII16xII", _SK_SKB, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence), 1, _LOG_SIZE, ctypes.addressof(words),
        0, 0, 0, _STREAM_VERDICT,
    )
    try:
        return call(_LOAD, attributes)
    except OSError as error:
        said = words.value.decode(errors="replace").strip().splitlines()
        raise OSError(error.errno, f"{error.strerror}: {said[-1]}" if said else error.strerror) from None


def attach_verdict(sockets: Map, program: int) -> None:
    """
    Have a program judge what the sockets of a map receive.

    Raises:
        OSError: If the kernel refuses.
    """
    call(_ATTACH, _attributes("=IIII", sockets.descriptor, program, _STREAM_VERDICT, 0))
