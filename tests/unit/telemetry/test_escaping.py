"""Escaping and remembering texts."""

import pytest

from meshd.telemetry.escaping import MAX_TEXT_BYTES, MAX_TEXTS, Escaped, Texts, escape


@pytest.mark.parametrize(("value", "expected"), [
    (b"", ""), (b"plain ~text!", "plain ~text!"), (b'"', '\\"'), (b"\\", "\\\\"), (b"\n\r\t\0\x1b\x7f", "\\x0a\\x0d\\x09\\x00\\x1b\\x7f"), (b"\xe9",
        "\\xe9"),
])
def test_escape(value, expected):
    """All that comes out is printable ASCII, quotes behind backslashes."""
    assert expected == escape(value)


@pytest.mark.parametrize(("text", "blank", "kept"), [
    ("", "-", "-"), ("via_upstream", "via_upstream", "via_upstream"), ("a b", "a_b", "a b"), ("é\n", "\\xc3\\xa9\\x0a", "\\xc3\\xa9\\x0a"),
    ("\udcff", "\\xff", "\\xff"),
])
def test_texts(text, blank, kept):
    """An empty text is `-`; blanks become `_` unless they are kept."""
    assert (blank, kept) == (Texts()[text], Texts(keeps_blanks=True)[text])


def test_texts_are_bounded():
    """However many different ones come, only so many are kept."""
    texts = Texts()
    for number in range(2 * MAX_TEXTS + 1):
        texts[str(number)]
    assert len(texts) <= MAX_TEXTS


def test_escaped_values_are_few_and_short():
    """However many different ones come, only so many are kept, and no long one; what comes out is the same."""
    known = Escaped()
    for number in range(2 * MAX_TEXTS + 1):
        known[b"%d" % number]
    long = b"\n" * (MAX_TEXT_BYTES + 1)
    assert ("\\x0a" * len(long), "a\\x09", "a\\x09") == (known[long], known[b"a\t"], known[b"a\t"])
    assert (True, False) == (len(known) <= MAX_TEXTS, long in known)
