"""Secrets as values."""

from meshd.snapshot.secret import Secret


def test_a_private_key_is_not_shown():
    """Neither in logs nor in messages."""
    found = repr(Secret("default", "CERTIFICATE", "PRIVATE", "ROOT"))
    assert (True, False) == ("CERTIFICATE" in found, "PRIVATE" in found)
