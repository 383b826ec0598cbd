"""Tests of a downstream connection's facts."""

from meshd.worker.downstream import Downstream
from meshd.worker.upstream.host import UpstreamHost


def test_begins_as_raw_bytes_with_written_addresses():
    """Addresses are there in parts and as the log writes them; nothing is known of the protocol."""
    made = Downstream(("fd00::1", 80), ("10.0.0.9", 4000), diverted=True, listener="l", now=3.0)
    assert ("[fd00::1]:80", "10.0.0.9:4000", "raw_buffer", (), "", 3.0) == (
        made.destination, made.source, made.transport_protocol, made.application_protocols, made.server_name, made.accepted_at,
    )


def test_what_upstreams_were_told_of_it_ends_with_it():
    """Without anything there is nothing to do."""
    made = Downstream(("10.1.0.1", 80), ("10.0.0.9", 4000), diverted=True, listener="l", number=7)
    made.leave_parts()
    host = UpstreamHost("10.2.0.1", 80)
    part = host.part("", "7 ")
    made.parts = [part]
    made.leave_parts()
    assert (True, []) == (part.removed, host.parts())
