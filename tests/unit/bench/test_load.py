"""What wrk prints is read right: a bench that misreads its tool measures nothing."""

import pytest

from tests.bench.load import Load, parse_sockload, parse_wrk

REPORT = """\
Running 2s test @ http://10.77.0.2:9080/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   270.12us   88.10us   4.03ms   84.35%
    Req/Sec   122.00k     5.92k  130.92k    80.00%
  Latency Distribution
     50%  254.00us
     75%  301.00us
     90%    1.35ms
     99%    1.02s
  243930 requests in 2.10s, 199.42MB read
{errors}Requests/sec: 116108.76
Transfer/sec:     94.92MB
"""


def test_reads_counts_rate_and_latencies():
    """Every latency comes out in seconds, whatever unit wrk chose."""
    assert Load(243930, 0, 116108.76, 254e-6, 1.35e-3, 1.02, 4.03 * 1e-3) == parse_wrk(REPORT.format(errors=""))


def test_counts_every_kind_of_error():
    """Socket errors and bad answers add up."""
    errors = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 10\n"
    assert 17 == parse_wrk(REPORT.format(errors=errors)).errors


def test_refuses_what_is_no_report():
    """A run that printed something else is no measurement."""
    with pytest.raises(RuntimeError, match="unable to connect"):
        parse_wrk("unable to connect to 10.77.0.2:9080 Connection refused")


LINE = '{"units": 2147483648, "errors": 1, "seconds": 2.0, "p50": 0.1, "p90": 0.2, "p99": 0.3, "worst": 0.4}\n'


@pytest.mark.parametrize(("mode", "units"), [("echo", 2147483648), ("bulk", 2.0)])
def test_reads_messages_and_bytes(mode, units):
    """Messages are counted one by one, bytes in GiB."""
    assert Load(units, 1, units / 2, 0.1, 0.2, 0.3, 0.4) == parse_sockload(LINE, mode)


@pytest.mark.parametrize("text", ["", "connect: refused", '{"units": 1}'])
def test_refuses_what_is_no_line_of_sockload(text):
    """A load program that failed measured nothing."""
    with pytest.raises(RuntimeError, match="sockload said"):
        parse_sockload(text, "echo")
