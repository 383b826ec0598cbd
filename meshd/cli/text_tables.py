"""Tables as istioctl prints them: columns as wide as their widest cell and five blanks, never wrapped, never coloured."""

from collections.abc import Sequence

from meshd.base.texts import printable

PADDING = 5  # istioctl's


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give lines for header and rows; the last column is not padded, and control characters show as `?`."""
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) + PADDING for column in range(len(header) - 1)]
    return "".join("".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)).rstrip() + "\n" for line in lines)
