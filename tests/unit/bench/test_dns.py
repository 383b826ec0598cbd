"""What dnsperf prints is read right."""

import pytest

from tests.bench.dns import parse_dnsperf
from tests.bench.load import Load

REPORT = """\
> NOERROR svc-0.default.svc.cluster.local A 0.003669
> NOERROR svc-1.default.svc.cluster.local A 0.001000
> SERVFAIL svc-2.default.svc.cluster.local A 0.002000

Statistics:

  Queries sent:         4
  Queries completed:    3 (75.00%)
  Queries lost:         1 (25.00%)

  Queries per second:   53396.593698
"""


def test_reads_latencies_and_errors():
    """What was lost or answered with an error is one."""
    assert Load(3, 2, 53396.593698, 0.002, 0.003669, 0.003669, 0.003669) == parse_dnsperf(REPORT)


def test_refuses_what_is_no_report():
    """A run that printed something else is no measurement."""
    with pytest.raises(RuntimeError, match="dnsperf said: unable"):
        parse_dnsperf("unable to open")
