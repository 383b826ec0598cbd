"""Texts of refusals."""

import pytest

from meshd.capture.backend import refused
from meshd.capture.commands import NOT_FOUND, Ran


@pytest.mark.parametrize(("ran", "expected"), [
    (Ran(0, errors="a warning"), ""),
    (Ran(NOT_FOUND, errors="nft: not found"), "nft is not installed (Debian package nftables)"),
    (Ran(1, errors="Error: Operation not permitted (you must be root)"), "nft: not permitted; run as root (CAP_NET_ADMIN)"),
    (Ran(4, errors="Could not fetch rule set generation id: Permission denied"), "nft: not permitted; run as root (CAP_NET_ADMIN)"),
    (Ran(1, errors="Error: syntax error\n^"), "nft: Error: syntax error"),
])
def test_refused(ran: Ran, expected: str) -> None:
    """What is wrong and, where known, what to do about it."""
    assert expected == refused("nft", ran)
