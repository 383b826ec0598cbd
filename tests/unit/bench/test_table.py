"""The printed table has a line a contender, and tells targets, misses and who does less."""

from tests.bench.running import sum_up_case
from tests.bench.scenario import HAPROXY, MESHD, REAL_ENVOY, Case
from tests.bench.table import COLUMNS, case_table
from tests.bench.targets import Target
from tests.unit.bench.test_running import load


def test_prints_a_case():
    """Figures in their units, the ratio, a further figure, a verdict, a remark."""
    run = dict.fromkeys(COLUMNS, 10e-6)
    runs = {"meshd": [{**run, "share": 0.5}], "Envoy": [{**run, "cpu": 20e-6}], "HAProxy": [run]}
    case = sum_up_case(Case("", load, (Target("cpu", 0.4),)), runs, (MESHD, REAL_ENVOY, HAPROXY))
    lines = case_table({"remarks": {"HAProxy": "does less", "nginx": "is not here"}}, case).splitlines()
    assert ["meshd", "10.0"] == lines[1].split()[:2]
    assert lines[1].endswith("0.500 (0.500, 0.500)")
    assert [
        "  meshd: connections of the busiest worker 50.0 %", "  target CPU <= 0.40 of Envoy's: 0.50 (0.50 to 0.50): MISSED", "  HAProxy does less",
    ] == lines[4:]
