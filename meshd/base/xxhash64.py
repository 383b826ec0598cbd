"""XXH64, the hash that Envoy's consistent hashing uses: only with the same one do all proxies of a mesh pick the same endpoint."""

from struct import Struct
from typing import Final

MASK: Final = 2**64 - 1

_PRIME_1: Final = 11400714785074694791
_PRIME_2: Final = 14029467366897019727
_PRIME_3: Final = 1609587929392839161
_PRIME_4: Final = 9650029242287828579
_PRIME_5: Final = 2870177450012600261
_STRIPE: Final = Struct("<4Q")
_WORD: Final = Struct("<Q")
_HALF: Final = Struct("<I")


def xxhash64(data: bytes, seed: int = 0) -> int:
    """
    Hash some bytes to 64 bits.

    Args:
        data: Any number of bytes.
        seed: Of 64 bits.

    Source:
        The xxHash specification, version 0.1.1, section XXH64.
    """
    size = len(data)
    place = 0
    if size >= 32:
        place = size - size % 32
        value = _hash_stripes(data, place, seed)
    else:
        value = (seed + _PRIME_5) & MASK
    value = (value + size) & MASK
    while place + 8 <= size:
        word: int = _WORD.unpack_from(data, place)[0]
        value ^= _round(0, word)
        value = (((value << 27 | value >> 37) & MASK) * _PRIME_1 + _PRIME_4) & MASK
        place += 8
    if place + 4 <= size:
        half: int = _HALF.unpack_from(data, place)[0]
        value ^= half * _PRIME_1 & MASK
        value = (((value << 23 | value >> 41) & MASK) * _PRIME_2 + _PRIME_3) & MASK
        place += 4
    while place < size:
        value ^= data[place] * _PRIME_5 & MASK
        value = ((value << 11 | value >> 53) & MASK) * _PRIME_1 & MASK
        place += 1
    value = (value ^ value >> 33) * _PRIME_2 & MASK
    value = (value ^ value >> 29) * _PRIME_3 & MASK
    return value ^ value >> 32


def _round(lane: int, word: int) -> int:
    lane = (lane + word * _PRIME_2) & MASK
    return ((lane << 31 | lane >> 33) & MASK) * _PRIME_1 & MASK


def _hash_stripes(data: bytes, end: int, seed: int) -> int:
    """Hash the whole stripes of 32 bytes in four lanes, and join these."""
    one, two, three, four = (seed + _PRIME_1 + _PRIME_2) & MASK, (seed + _PRIME_2) & MASK, seed, (seed - _PRIME_1) & MASK
    for place in range(0, end, 32):
        first, second, third, fourth = _STRIPE.unpack_from(data, place)
        one, two, three, four = _round(one, first), _round(two, second), _round(three, third), _round(four, fourth)
    value = ((one << 1 | one >> 63) & MASK) + ((two << 7 | two >> 57) & MASK)
    value = (value + ((three << 12 | three >> 52) & MASK) + ((four << 18 | four >> 46) & MASK)) & MASK
    for lane in (one, two, three, four):
        value = ((value ^ _round(0, lane)) * _PRIME_1 + _PRIME_4) & MASK
    return value
