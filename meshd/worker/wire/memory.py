"""What the C library does with memory that is freed: large reads come and go all the time, and must not cost page faults."""

KEPT = 4 << 20
"""Bytes: the C library (glibc) maps no smaller block by itself, and keeps twice as much before it gives memory back to the system."""


def keep_freed_memory() -> None:
    """Have blocks for large reads come from the heap and return there; without this each of them might be new pages."""
    bytearray(KEPT)  # glibc raises both limits when such a block is freed (mallopt(3), M_MMAP_THRESHOLD)
