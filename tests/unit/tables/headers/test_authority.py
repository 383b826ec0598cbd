"""Tests of what is taken off an authority."""

import pytest

from meshd.tables.headers.authority import build_shorten


@pytest.mark.parametrize(("port", "dot", "authority", "expected"), [
    ("any", False, b"a.test:81", b"a.test"), ("any", False, b"a.test", b"a.test"), ("any", False, b"a.test:", b"a.test:"),
    ("any", False, b"a.test:abc", b"a.test:abc"), ("any", False, b"[::1]:80", b"[::1]"), ("any", False, b"[::1]", b"[::1]"),
    ("any", False, b"a.test:80:81", b"a.test:80"), ("any", False, b"a.test.:81", b"a.test."), ("any", False, b"", b""),
    ("matching", False, b"a.test:80", b"a.test"), ("matching", False, b"a.test:0080", b"a.test"), ("matching", False, b"a.test:81", b"a.test:81"),
    ("matching", False, b"a.test", b"a.test"), ("matching", False, b"a.test:99999999999999999999", b"a.test:99999999999999999999"),
    ("", True, b"a.test.", b"a.test"), ("", True, b"a.test.:80", b"a.test:80"), ("", True, b"a.test..", b"a.test."), ("", True, b"a.test", b"a.test"),
    ("", True, b"", b""), ("", True, b".", b""), ("any", True, b"a.test.:80", b"a.test"), ("matching", True, b"a.test.:81", b"a.test:81"),
])
def test_shortens(port, dot, authority, expected):
    """The client connected to port 80."""
    shorten = build_shorten(port, dot)
    assert shorten is not None
    assert expected == shorten(authority, 80)


def test_nothing_is_made_where_nothing_is_asked_for():
    """Then it costs nothing."""
    assert build_shorten("", False) is None
