"""What codecs and their users share."""

import pytest

from meshd.codec.http_events import CHUNKED, UNTIL_CLOSE, RequestHead, ResponseHead


def test_no_length_of_a_body_means_something_else():
    """Bytes are counted from 0, so what is no count is below."""
    assert UNTIL_CLOSE < CHUNKED < 0


@pytest.mark.parametrize("head", [RequestHead, ResponseHead])
def test_a_head_takes_known_attributes_only(head):
    """A misspelt one is a mistake, not a new attribute."""
    found = head()
    found.upgrade = b"websocket"
    assert b"websocket" == found.upgrade
    with pytest.raises(AttributeError):
        found.upgraded = b"websocket"
