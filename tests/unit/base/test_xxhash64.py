"""XXH64."""

import pytest

from meshd.base.xxhash64 import xxhash64


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0xEF46DB3751D8E999), (b"", 1, 0xD5AFBA1336A3BE4B), (b"a", 0, 0xD24EC4F1A98C6E5B), (b"abc", 0, 0x44BC2CF5AD770999),
        (b"abcd", 0, 0xDE0327B0D25D92CC), (b"10.0.0.1:8080", 0, 0xCB972177068EB685), (b"10.0.0.1:8080", 1, 0x0DFCE9EFD349B428),
        (b"10.0.0.1:8080_12", 0, 0x55916016B209AE45), (b"0123456789abcdef" * 2, 0, 0x642A94958E71E6C5),
        (bytes(range(256)), 0, 0x1FACBE8406CD904B), (bytes(range(101)), 2**64 - 1, 0x49B1A7087BCDB7BE),
        (b"foo", 5234164152756840025, 0x5C441824061E14FF),
    ],
)
def test_known_hashes(data, seed, expected):
    """As the reference implementation gives them: nothing, parts of words, words, halves, stripes."""
    assert expected == xxhash64(data, seed)
