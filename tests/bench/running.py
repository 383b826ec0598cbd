"""Running a scenario: every case in rounds, in each of which all contenders take their turn."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from tests.bench.cpu import forget_peaks, machine_cpu, process_cpu, resident
from tests.bench.figures import Figures, over_direct, ratios, sum_up
from tests.bench.parties import running
from tests.bench.scenario import Case, Contender, Party, Scenario
from tests.bench.targets import ENVOY, US


@attrs.frozen
class Rounds:
    """How often each contender takes its turn, and for how many seconds."""

    count: int
    seconds: int


def run_scenario(key: str, scenario: Scenario, rounds: Rounds) -> dict[str, Any]:
    """
    Run a scenario.

    Returns:
        What results have of it: see `tests.bench.results`.
    """
    with running(scenario.contenders) as parties:
        cases = [_run_case(case, parties, rounds) for case in scenario.cases]
    return {"key": key, "title": scenario.title, "remarks": dict(scenario.remarks), "cases": cases}


def measure(case: Case, party: Party, seconds: int) -> Figures:
    """Load a party once, and read what its processes and the machine spent meanwhile."""
    forget_peaks(party.pids)
    with case.around(party, seconds) as more:
        before, machine_before = process_cpu(party.pids), machine_cpu()
        load = case.load(party, seconds)
        used, machine = process_cpu(party.pids).since(before), machine_cpu().since(machine_before)
    share = 1.0 / load.units if load.units else 0.0
    return {
        "cpu": used.total * share, "user": used.user * share, "system": used.system * share, "machine": machine.total * share,
        "rate": load.rate, "p50": load.p50, "p90": load.p90, "p99": load.p99, "worst": load.worst, "rss": resident(party.pids, peak=True),
        "idle_rss": party.idle_rss, "errors": load.errors, **more,
    }


def _run_case(case: Case, parties: Sequence[Party], rounds: Rounds) -> dict[str, Any]:
    runs: dict[str, list[Figures]] = {party.contender.name: [] for party in parties}
    for number in range(rounds.count):
        # the order turns round, so that nobody always follows the same other
        for party in parties if number % 2 == 0 else reversed(parties):
            runs[party.contender.name].append(measure(case, party, rounds.seconds))
    return sum_up_case(case, runs, [party.contender for party in parties])


def sum_up_case(case: Case, runs: Mapping[str, Sequence[Figures]], contenders: Sequence[Contender]) -> dict[str, Any]:
    """Sum up the runs of a case, by contender: figures, ratios to meshd, Envoy and whoever a target names, and verdicts."""
    direct = next((runs[contender.name] for contender in contenders if contender.program == "direct"), None)
    own = {name: list(found) if direct is None or found is direct else over_direct(found, direct) for name, found in runs.items()}
    bases = {US, ENVOY, *(target.to for target in case.targets)} & set(own)
    summed: dict[str, Any] = {
        "name": case.name, "unit": case.unit,
        "contenders": {name: sum_up(found) for name, found in own.items()},
        "ratios": {base: {name: ratios(found, own[base]) for name, found in own.items() if name != base} for base in sorted(bases)},
    }
    summed["verdicts"] = [target.judge(summed) for target in case.targets]
    return summed
