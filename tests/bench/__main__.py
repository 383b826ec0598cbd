"""
Measure meshd beside Envoy, HAProxy and nginx: `make bench`, `make bench QUICK=1`, `make bench SCENARIO=a,g JSON=FILE PICTURE=FILE`.

Each proxy has a machine of its own (a network namespace) whose connections it captures; clients run there, the servers on another. meshd and Envoy
serve the same compiled configuration and write the same access log. Runs are interleaved, and each figure is the median of its rounds.
"""

import json
import os
import resource
import sys
from typing import Any

from tests.bench.options import read_options
from tests.bench.picture import write_pictures
from tests.bench.results import begin_results
from tests.bench.running import Rounds, run_scenario
from tests.bench.scale import SCALE, run_scale
from tests.bench.scenarios.registry import SCENARIOS
from tests.bench.table import case_table


def main() -> int:
    """Run the bench; returns 1 if any request failed, 2 if it was asked for what makes no sense."""
    try:
        options = read_options(os.environ, (*SCENARIOS, SCALE))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = begin_results(options.rounds)
    for key in options.scenarios:
        found = run_scale(options.rounds) if key == SCALE else _run_scenario(key, options.rounds)
        results["scenarios"].append(found)
        for case in found["cases"]:
            print(f"\n{case['name']}\n{case_table(found, case)}\n".lstrip("\n"), flush=True)
        if options.json is not None:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.picture is not None:
        write_pictures(options.picture, results["scenarios"])
    contenders = [it for found in results["scenarios"] for case in found["cases"] for it in case["contenders"].values()]
    return int(any(it["errors"]["max"] for it in contenders if "errors" in it))


def _run_scenario(key: str, rounds: Rounds) -> dict[str, Any]:
    scenario = SCENARIOS[key]
    print(f"{key}: {scenario.title}, {rounds.count} rounds of {rounds.seconds} s, interleaved", flush=True)
    return run_scenario(key, scenario, rounds)


if __name__ == "__main__":
    sys.exit(main())
