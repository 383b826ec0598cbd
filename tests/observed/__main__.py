"""
Hold meshd to what a real Envoy answered: `make test-observed`.

The cases and Envoy's answers stand beside the checkout in `../shared/observed`; without them there is nothing to do. Prints a table of groups, and
each case that differs neither by choice nor because something is pending; exit status 1 if there is one. Cases that differ are played twice: a busy
machine is no difference.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.source_tree import ROOT
from tests.observed.playing import load
from tests.observed.verdicts import TABLE, Difference, Verdict, describe, judge, page, read_table, summary, timeless

FOLDER = ROOT.parent / "shared" / "observed"
PAGE = ROOT / "docs" / "differences-from-envoy.md"
GROUPS = ("A", "B", "C", "D", "E", "F")
PORTS = 200  # of one job
JOBS = 5
OF_ADMIN = ("eject_flags",)  # what cases ask of Envoy's own admin pages
AFTER = {"F.limit-grpc": "F.limit"}  # cases that need what another one leaves behind: here an empty bucket
HEAD = ("group", "cases", "same", "by choice", "pending", "different")

Records = dict[str, dict[str, Any]]


def main() -> int:
    """Play, compare and tell."""
    options = _options()
    if options.write:
        PAGE.write_text(page(read_table(TABLE.read_text())))
        return 0
    if not FOLDER.is_dir():
        print(f"{FOLDER}: not there, so there is nothing to compare with")
        return 0
    known = {record["name"]: record for record in json.loads((FOLDER / "observed.json").read_text())["cases"]}
    chosen = [name for name in known if name.startswith(tuple(options.groups or GROUPS))]
    hands = [hand for hand in (chosen[number::options.jobs] for number in range(options.jobs)) if hand]
    with ThreadPoolExecutor(options.jobs) as pool:
        played = [record for records in pool.map(lambda it: _play(options.base_port + it[0] * PORTS, it[1]), enumerate(hands)) for record in records]
    return _tell(played, known, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.observed", description="Hold meshd to what a real Envoy answered.")
    parser.add_argument("groups", nargs="*", help="letters of groups, or beginnings of names (`B.te-`); all groups by default")
    parser.add_argument("--base-port", type=int, default=26000, help=f"first of {PORTS} ports a job")
    parser.add_argument("--jobs", type=int, default=JOBS, help="cases that are played at once: most of them wait")
    parser.add_argument("--details", action="store_true", help="show both sides of each difference")
    parser.add_argument("--rows", action="store_true", help="print the cases that differ as rows for differences.yaml")
    parser.add_argument("--write", action="store_true", help=f"only write {PAGE.name} anew")
    return parser.parse_args()


def _play(port: int, names: list[str]) -> list[dict[str, Any]]:
    """Play cases in a process of their own, with ports of their own, and those that have to come before."""
    before = {AFTER[name] for name in names if name in AFTER}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "records.json"
        command = [sys.executable, "-m", "tests.observed.playing", str(FOLDER), ",".join(before.union(names)), str(port), str(out)]
        subprocess.run(command, cwd=ROOT, check=True)
        found: list[dict[str, Any]] = json.loads(out.read_text())
    return [record for record in found if record["name"] in names]


def _tell(played: list[dict[str, Any]], known: Records, options: argparse.Namespace) -> int:
    observe, table = load(FOLDER), read_table(TABLE.read_text())

    def find(expected: Any, record: Any) -> list[Difference]:
        return [difference for difference in observe.differences(timeless(expected), timeless(record)) if difference[0] not in OF_ADMIN]

    def verdict_on(record: dict[str, Any]) -> Verdict:
        return judge(known[record["name"]], record, table, find)

    records = {record["name"]: record for record in played if record["name"] not in observe.BY_CHANCE}
    verdicts = {name: verdict_on(record) for name, record in records.items()}
    again = [name for name, verdict in verdicts.items() if verdict.word == "different"]
    if again:
        for record in _play(options.base_port, again):
            if record["name"] in verdicts and verdict_on(record).word != "different":
                records[record["name"]], verdicts[record["name"]] = record, verdict_on(record)
    for name, verdict in verdicts.items():
        if verdict.word == "different":
            _show(known[name], records[name], verdict, observe, options)
    for row in (HEAD, *summary(list(verdicts.values()))):
        print("{:>6} {:>6} {:>6} {:>10} {:>8} {:>10}".format(*row))
    return int(any(verdict.word == "different" for verdict in verdicts.values()))


def _show(known: dict[str, Any], record: dict[str, Any], verdict: Verdict, observe: Any, options: argparse.Namespace) -> None:
    differences = [("failed", "", record["failed"])] if "failed" in record else observe.differences(known, record)
    if options.rows:
        row = {"sends": known["says"], "envoy": describe(known, differences, 1), "meshd": describe(record, differences, 2)}
        print(yaml.safe_dump({verdict.case: row}, default_flow_style=None, width=100_000, allow_unicode=True).rstrip())
        return
    print(f"{verdict.case} | {known['says']} | {verdict.told}")
    for what, envoy, meshd in differences if options.details else []:
        print(f"    {what}\n      envoy: {envoy!r}\n      meshd: {meshd!r}")


if __name__ == "__main__":
    raise SystemExit(main())
