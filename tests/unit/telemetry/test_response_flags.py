"""Long names of response flags."""

import pytest

from meshd.snapshot.replies import REPLIES
from meshd.telemetry.response_flags import LONG_NAMES, long_flags


@pytest.mark.parametrize(("flags", "expected"), [
    ("", ""), ("UF", "UpstreamConnectionFailure"), ("URX,UF", "UpstreamRetryLimitExceeded,UpstreamConnectionFailure"),
    ("DI,DC", "DelayInjected,DownstreamConnectionTermination"), ("X?", "X?"),
])
def test_long_flags(flags, expected):
    """In the order of the short ones."""
    assert expected == long_flags(flags)


def test_every_flag_of_a_reply_has_a_long_name():
    """No reply of ours has a flag that is none."""
    assert set() == {flag for reply in REPLIES.values() for flag in reply.flags.split(",") if flag} - set(LONG_NAMES)
