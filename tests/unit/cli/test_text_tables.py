"""Tables."""

import pytest

from meshd.cli.text_tables import format_table


def test_columns_are_as_wide_as_istioctl_makes_them() -> None:
    """The widest cell and five blanks; nothing behind the last."""
    expected = "NAME         PORT     TYPE\nlong-one     80       HTTP\nx            8080\n"
    assert expected == format_table(("NAME", "PORT", "TYPE"), [("long-one", "80", "HTTP"), ("x", "8080", "")])


def test_never_wraps() -> None:
    """However long a cell is."""
    assert "A\n" + "x" * 1000 + "\n" == format_table(("A",), [("x" * 1000,)])


@pytest.mark.parametrize("text", ["a\nb", "a\x1bb", "a\rb", "a\x00b", "a\u202eb", "a\tb"])
def test_shows_no_control_characters(text: str) -> None:
    """What somebody else wrote cannot steer the terminal, nor make a line of its own."""
    assert "A\na?b\n" == format_table(("A",), [(text,)])


def test_without_rows() -> None:
    """The header alone."""
    assert "A     B\n" == format_table(("A", "B"), [])
