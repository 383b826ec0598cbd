"""What may be shown of a text."""

import pytest

from meshd.base.texts import printable, quote_expression


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a b-ö 漢", "a b-ö 漢"),
        ("a\nb\tc\0", "a?b?c?"),
        ("\x1b[31mred\x9b", "?[31mred?"),
        ("a\u2028b\u200b\ufeff\u202e", "a?b???"),
        ("\ud800\U000e0001", "??"),
    ],
)
def test_shows_what_cannot_be_shown(text, expected):
    """Line breaks, escape sequences, invisible and reversing characters, half characters."""
    assert expected == printable(text)


def test_a_text_is_quoted_for_an_expression():
    """Only what means something there."""
    assert r"/a\.b\[\*\]-_:\$" == quote_expression("/a.b[*]-_:$")
