"""Tests of bpf(2): what the kernel is told, and what it has written into a ring."""

import ctypes
import errno
import mmap
import os
import struct

import pytest

from meshd.ipc import bpf


class Kernel:
    """A kernel that remembers what it is told, and keeps one map."""

    def __init__(self):
        self.calls = []
        self.elements = {}
        self.refusal = 0

    def call(self, command, attributes):
        """Do what is asked of a map with values of four bytes."""
        if self.refusal:
            raise OSError(self.refusal, os.strerror(self.refusal))
        self.calls.append((command, attributes.raw))
        descriptor, key, value = struct.unpack_from("=I4xQQ", attributes.raw)
        if command == 1:
            if ctypes.string_at(key, 8) not in self.elements:
                raise FileNotFoundError
            ctypes.memmove(value, self.elements[ctypes.string_at(key, 8)], 4)
        elif command == 2:
            self.elements[ctypes.string_at(key, 8)] = ctypes.string_at(value, 4)
        elif command == 3:
            assert not value  # the kernel refuses what it has no use for
            if self.elements.pop(ctypes.string_at(key, 8), None) is None:
                raise FileNotFoundError
        return descriptor


@pytest.fixture
def kernel(monkeypatch):
    """Put a kernel of our own in the place of the machine's."""
    made = Kernel()
    monkeypatch.setattr(bpf, "call", made.call)
    return made


def test_elements(kernel):
    """They are put, found and removed; removing what is not there is no error."""
    one = bpf.Map(7, 4)
    one.put(5, b"abcd")
    found = one.get(5), one.get(6)
    one.delete(5)
    one.delete(5)
    assert ((b"abcd", None), {}) == (found, kernel.elements)
    assert {7} == {struct.unpack_from("=I", attributes)[0] for _, attributes in kernel.calls}


def test_refusals_are_raised(kernel):
    """Everything but an element that is not there."""
    kernel.refusal = errno.E2BIG
    with pytest.raises(OSError, match=os.strerror(errno.E2BIG)):
        bpf.Map(7, 4).put(5, b"abcd")


def test_what_maps_are_made_of(kernel):
    """Kind, sizes of key and value, elements, flags."""
    bpf.create_map(bpf.HASH, 16, 100, bpf.ON_DEMAND)
    bpf.create_ring(4096)
    assert [(1, 8, 16, 100, 1), (27, 0, 0, 4096, 0)] == [struct.unpack_from("=IIIII", attributes) for _, attributes in kernel.calls]


def test_a_program_is_loaded_and_attached(kernel):
    """As one that judges streams, with the licence that its helpers ask for."""
    bpf.load_verdict(b"\0" * 24)
    bpf.attach_verdict(bpf.Map(7, 4), 9)
    (load, loaded), (attach, attached) = kernel.calls
    assert (5, (14, 3), 5) == (load, struct.unpack_from("=II", loaded), struct.unpack_from("=I", loaded, 68)[0])
    assert (8, (7, 9, 5)) == (attach, struct.unpack_from("=III", attached))


def test_an_unknown_machine_has_no_bpf(monkeypatch):
    """Its number of the system call is not guessed."""
    monkeypatch.setattr(bpf.platform, "machine", lambda: "pdp11")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)):
        bpf.call(0, ctypes.create_string_buffer(8))


def test_a_ring_is_read_up_to_what_is_being_written():
    """Discarded records are skipped, busy ones wait, and the place of the last one read is told."""
    size = mmap.PAGESIZE
    memory = os.memfd_create("ring")
    os.ftruncate(memory, 2 * mmap.PAGESIZE + size)
    start = size - 16
    records = [(8, 1), (8 | bpf._DISCARDED, 2), (8, 3), (8 | bpf._BUSY, 4)]
    for number, (header, word) in enumerate(records):
        os.pwrite(memory, struct.pack("=I4xQ", header, word), 2 * mmap.PAGESIZE + (start + 16 * number) % size)
    os.pwrite(memory, struct.pack("=Q", start), 0)
    os.pwrite(memory, struct.pack("=Q", start + 64), mmap.PAGESIZE)
    ring = bpf.Ring(memory, size)
    first = ring.take()
    place = struct.unpack("=Q", os.pread(memory, 8, 0))[0]
    os.pwrite(memory, struct.pack("=I4xQ", 8, 4), 2 * mmap.PAGESIZE + (start + 48) % size)
    assert ([1, 3], start + 48, [4], []) == (first, place, ring.take(), ring.take())
    ring.close()
    ring.close()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(memory)
