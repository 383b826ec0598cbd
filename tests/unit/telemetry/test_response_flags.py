"""Long names of response flags."""

import pytest

from meshd.snapshot.replies import REPLIES
from meshd.telemetry.response_flags import LONG_NAMES, flag_bits, long_flags


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


@pytest.mark.parametrize(("flags", "expected"), [("", 0), ("LH", 1), ("UF", 32), ("URX,UF", 0x8020), ("NR", 0x100), ("UF,UF", 32), ("X?", 0)])
def test_flags_as_a_number(flags, expected):
    """As Envoy's expressions have them."""
    assert expected == flag_bits(flags)


def test_every_flag_has_a_bit_of_its_own():
    """29 of them."""
    assert 2 ** len(LONG_NAMES) - 1 == sum(flag_bits(flag) for flag in LONG_NAMES)
