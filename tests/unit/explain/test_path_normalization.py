"""Path normalization byte by byte."""

import pytest

from meshd.explain.path_normalization import normalize_path


@pytest.mark.parametrize(
    ("target", "mode", "expected"),
    [
        ("/a/../b?c=../d", "BASE", "/b?c=../d"),
        ("/a/./b/.", "BASE", "/a/b/"),
        ("/a/..", "BASE", "/"),
        ("/../..", "BASE", "/"),
        ("/a//../b", "BASE", "/a/b"),
        ("/a/%2e%2E/b", "BASE", "/b"),
        ("/a/..;x/b/.;y", "BASE", "/b/"),
        ("/a\\..\\b", "BASE", "/b"),
        ("/a/%2e%2e;x/b", "BASE", "/b"),
        ("/a\\..;x\\b\\.;", "BASE", "/b/"),
        ("/a;x/b.;y", "BASE", "/a;x/b.;y"),
        ("/%61%2F%00x", "BASE", None),
        ("/%61%2F", "BASE", "/a%2F"),
        ("/%2%35", "BASE", "/%2525"),
        ("/%%32e", "BASE", "/%252e"),
        ("/%%35", "BASE", "/%5"),
        ("/%", "BASE", "/%"),
        ('/"é', "BASE", "/%22%E9"),
        ("/a#b?c", "BASE", "/a"),
        ("*", "BASE", "*"),
        ("//a//", "MERGE_SLASHES", "/a/"),
        ("//", "MERGE_SLASHES", "//"),
        ("/a%2F..%5cb", "DECODE_AND_MERGE_SLASHES", "/b"),
        ("/a/../b%00#x", "NONE", "/a/../b%00"),
        ("/%2e;%00", "BASE", None),
        ("/.;%00", "BASE", "/"),
    ],
)
def test_gives_the_one_form(target, mode, expected):
    """As a real Envoy was seen to do it."""
    assert expected == normalize_path(target, mode)
