"""What is counted."""

from meshd.dns.counts import Counts
from meshd.telemetry.instruments import Instruments


def test_metrics_get_what_is_new():
    """The counts themselves go on."""
    counts, instruments = Counts(), Instruments()
    counts.table = 3
    counts.tell(instruments)
    assert [("meshd_dns_queries_total", ["table"], 3)] == instruments.take()
    counts.table, counts.nobody = 5, 1
    counts.tell(instruments)
    assert [("meshd_dns_queries_total", ["table"], 2), ("meshd_dns_queries_total", ["nobody"], 1)] == instruments.take()
    assert {"table": 5, "cache": 0, "server": 0, "nobody": 1} == counts.read()
