"""A case's runs become the figures, ratios and verdicts of results."""

from tests.bench.load import Load
from tests.bench.running import sum_up_case
from tests.bench.scenario import DIRECT, MESHD, REAL_ENVOY, Case, Contender
from tests.bench.targets import Target

OTHER = Contender("other", "meshd")
RUNS = {
    "direct": [{"cpu": 0.0, "machine": 1.0}], "meshd": [{"cpu": 2.0, "machine": 4.0}], "Envoy": [{"cpu": 4.0, "machine": 7.0}],
    "other": [{"cpu": 1.0, "machine": 2.0}],
}


def load(party, seconds):
    """Load nobody."""
    return Load(0, 0, 0.0, 0.0, 0.0, 0.0)


def test_sums_up():
    """Ratios are taken of figures less the direct case, to meshd, Envoy and to whom a target names."""
    case = Case("x", load, (Target("machine", 0.5), Target("cpu", 1.1, to="other")))
    found = sum_up_case(case, RUNS, (DIRECT, MESHD, REAL_ENVOY, OTHER))
    assert {"meshd", "Envoy", "other"} == set(found["ratios"])
    assert (0.5, 3.0) == (found["ratios"]["Envoy"]["meshd"]["machine"]["median"], found["contenders"]["meshd"]["machine"]["median"])
    assert [("0.50 (0.50 to 0.50)", True), ("2.00 (2.00 to 2.00)", False)] == [(it["shown"], it["met"]) for it in found["verdicts"]]


def test_without_a_direct_case_the_machine_stays():
    """And without Envoy there are no ratios to it."""
    found = sum_up_case(Case("x", load), {"meshd": RUNS["meshd"]}, (MESHD,))
    assert ({"meshd": {}}, 4.0) == (found["ratios"], found["contenders"]["meshd"]["machine"]["median"])
