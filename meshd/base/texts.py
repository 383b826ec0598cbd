"""Texts of others, made fit for a line of ours, or for an expression."""

_MEANINGFUL = frozenset(r"\.+*?()|[]{}^$")


def printable(text: str) -> str:
    """Give a text with `?` for whatever could break a line or hide on it: control characters, separators other than the blank, odd code points."""
    return text if text.isprintable() else "".join(character if character.isprintable() else "?" for character in text)


def quote_expression(text: str) -> str:
    """Give the regular expression that takes a text as it is (Go's regexp.QuoteMeta, which quotes what means something to RE2 alone)."""
    return "".join(f"\\{letter}" if letter in _MEANINGFUL else letter for letter in text)
