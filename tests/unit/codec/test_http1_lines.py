"""Header lines: good ones become pairs, bad ones are told, and remembering them has bounds."""

import pytest

from meshd.codec.http1_lines import BAD_LINE, LINES, MAX_LINES, MAX_NAMES, NAMES, Lines, Names, find_fault


@pytest.mark.parametrize(("line", "pair"), [
    (b"Host: a.test", (b"host", b"a.test")),
    (b"x-a:b", (b"x-a", b"b")),
    (b"x-a: \t b c \t ", (b"x-a", b"b c")),
    (b"x-a:", (b"x-a", b"")),
    (b"x-a: b:c", (b"x-a", b"b:c")),
    (b"x-a: caf\xe9\xff", (b"x-a", b"caf\xe9\xff")),
    (b"!#$%&'*+-.^_`|~09az: x", (b"!#$%&'*+-.^_`|~09az", b"x")),
    (b"nocolon", BAD_LINE),
    (b"", BAD_LINE),
    (b": b", BAD_LINE),
    (b"x-a : b", BAD_LINE),
    (b" x-a: b", BAD_LINE),
    (b"x a: b", BAD_LINE),
    (b"x(a: b", BAD_LINE),
    (b"x-\xe9: b", BAD_LINE),
    *((b"x-a: b%cc" % byte, BAD_LINE) for byte in (0, 1, 8, 10, 11, 12, 13, 27, 31, 127)),
    (b"Host: a\rb", BAD_LINE),
])
def test_reads_a_line(line, pair):
    """The same when it is seen again."""
    assert pair == LINES[line] == LINES[line]


def test_remembers_only_what_repeats():
    """Secrets, ids and long lines are read each time, not kept."""
    lines = Lines()
    for line in (b"Host: a.test", b"cookie: a", b"authorization: b", b"x-request-id: c", b"host: " + b"a" * 500, b"bad line"):
        lines[line]
    assert [b"Host: a.test"] == list(lines)


def test_memory_is_bounded():
    """However many different lines and names come, only so many are kept."""
    lines, names = Lines(), Names()
    for number in range(3 * max(MAX_LINES, MAX_NAMES)):
        lines[b"host: %d" % number]
        names[b"x-%d" % number]
    assert len(lines) <= MAX_LINES
    assert len(names) <= MAX_NAMES
    assert b"a" * 100 == names[b"A" * 100] == NAMES[b"a" * 100]
    assert b"A" * 100 not in names


@pytest.mark.parametrize(("head", "start", "reason"), [
    (b"", 0, ""),
    (b"a\tb\xe9\r\nc\r\n", 0, ""),
    (b"a\r", 0, ""),
    (b"a\r\n\r", 0, ""),
    (b"a\rb", 0, "http1.codec_error"),
    (b"a\r\r\n", 0, "http1.codec_error"),
    (b"a\nb", 0, "http1.codec_error"),
    (b"\n", 0, "http1.codec_error"),
    (b"a\r\n\n", 0, "http1.codec_error"),
    (b"a\0b\n", 0, "http1.invalid_characters"),
    (b"a\nb\0", 0, "http1.codec_error"),
    (b"a\x7f", 0, "http1.invalid_characters"),
    (b"\0\0ab", 2, ""),
    (b"ab\r\n", 2, ""),
    (b"ab\n", 2, "http1.codec_error"),
])
def test_finds_the_first_fault(head, start, reason):
    """The first byte that is wrong decides."""
    assert reason == find_fault(head, start)
