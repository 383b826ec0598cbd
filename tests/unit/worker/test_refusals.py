"""Tests of the record of refused connections."""

from meshd.snapshot.network_filter import AccessLog
from meshd.telemetry.access_log import compile_format
from meshd.worker.downstream import Downstream
from meshd.worker.refusals import Refusal


def test_is_logged_in_istios_format():
    """A connection that no chain takes has its line, as observed with Envoy (E.no-chain)."""
    connection = Downstream(("10.1.0.1", 80), ("10.0.0.9", 4000), diverted=True, listener="l", now=5.0)
    line = compile_format(AccessLog("x"))(Refusal(connection, "NR", "filter_chain_not_found", 5.25, 1_700_000_000.25))
    assert (
        '[2023-11-14T22:13:20.000Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 250 - "-" "-" "-" "-" "-" - - 10.1.0.1:80 10.0.0.9:4000 - -\n'
    ) == line
