"""Tests of a downstream connection's facts."""

from meshd.worker.downstream import Downstream


def test_begins_as_raw_bytes_with_written_addresses():
    """Addresses are there in parts and as the log writes them; nothing is known of the protocol."""
    made = Downstream(("fd00::1", 80), ("10.0.0.9", 4000), diverted=True, listener="l", now=3.0)
    assert ("[fd00::1]:80", "10.0.0.9:4000", "raw_buffer", (), "", 3.0) == (
        made.destination, made.source, made.transport_protocol, made.application_protocols, made.server_name, made.accepted_at,
    )
