"""Arguments of commands, and what garbage does to them."""

import pytest

from meshd.base.errors import WireError
from meshd.ipc.blobs import INLINE_LIMIT
from meshd.ipc.commands import TEXTS, bound_reasons


@pytest.mark.parametrize("texts", [{}, [], {"routes": "1-a"}, ["a", "b\n", "ä"]])
def test_texts_survive(texts):
    """Objects and lists of texts come back as they were."""
    assert texts == TEXTS.fromString(TEXTS.toString(texts))


@pytest.mark.parametrize("garbage", [b"", b"{", b"null", b"1", b'"a"', b"[1]", b'{"a":1}', b'{"a":{}}', b"[" * 50_000, b"\xff", b"NaN"])
def test_what_is_no_texts_is_refused(garbage):
    """Nothing but texts passes."""
    with pytest.raises(WireError):
        TEXTS.fromString(garbage)


def test_too_long_texts_are_not_sent():
    """What could not travel is found at home."""
    with pytest.raises(WireError, match="more than an argument may have"):
        TEXTS.toString(["x" * INLINE_LIMIT])


@pytest.mark.parametrize(("reasons", "expected"), [
    ([], []),
    (["a", "b"], ["a", "b"]),
    (["ä\n"], ["ä\n"]),
    (["x" * 100], ["x" * 25]),
    (["x" * 25] * 9, ["x" * 25] * 7 + ["and 2 more"]),
])
def test_reasons_are_bounded(reasons, expected):
    """Long reasons are cut, and the last one counts what is missing."""
    assert expected == bound_reasons(reasons, 200)


def test_bounded_reasons_always_fit():
    """However many and strange, they can be sent."""
    for reason in ("\x00" * 1000, "\\" * 1000, "ä" * 1000, "a" * 100_000):
        assert len(TEXTS.toString(bound_reasons([reason] * 1000))) <= INLINE_LIMIT
