"""Texts of others, made fit for a line of ours."""


def printable(text: str) -> str:
    """Give a text with `?` for whatever could break a line or hide on it: control characters, separators other than the blank, odd code points."""
    return text if text.isprintable() else "".join(character if character.isprintable() else "?" for character in text)
