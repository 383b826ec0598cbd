"""Tests of settings that become header values."""

import pytest

from meshd.codec.headers import Headers
from meshd.tables.headers.header_text import append_via, header_text
from meshd.tables.interfaces import BuildError


def test_texts_are_values():
    """Of any language."""
    assert (b"", b"istio-envoy", "é b\tc".encode()) == (header_text("via", ""), header_text("via", "istio-envoy"), header_text("via", "é b\tc"))


@pytest.mark.parametrize("text", ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\x00", "\x7f"])
def test_no_setting_becomes_another_line(text):
    """It is refused when the snapshot comes, not when a request does."""
    with pytest.raises(BuildError, match="server name: expected a text without control characters"):
        header_text("server name", text)


@pytest.mark.parametrize(("given", "expected"), [
    ([], [(b"via", b"1.1 mesh")]), ([(b"via", b"1.0 a")], [(b"via", b"1.0 a, 1.1 mesh")]),
    ([(b"via", b"a"), (b"b", b"c"), (b"via", b"d")], [(b"via", b"a,d, 1.1 mesh"), (b"b", b"c")]),
])
def test_via_grows(given, expected):
    """In place, one line in all."""
    headers = Headers(given)
    append_via(headers, b"1.1 mesh")
    assert expected == headers.pairs
