"""
Plays recorded cases through meshd: `python -m tests.observed.playing FOLDER NAME,... BASE_PORT OUT`.

The program that recorded them, `observe.py`, writes an Envoy bootstrap, starts a proxy with it, and plays its cases over raw sockets; it stands
beside the records, outside of this repository. Writes a JSON list of records.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.helpers.source_tree import ROOT

TWISTD = Path(sys.executable).with_name("twistd")
COMMAND = f"{TWISTD} -n --pidfile= meshd --workers 1 --snapshot {{config}}"
NO_STATISTICS = json.dumps({"cluster_statuses": []})


def load(folder: Path) -> ModuleType:
    """Import the recorder by its path."""
    specification = importlib.util.spec_from_file_location("observe", folder / "observe.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # reason: its dataclasses look themselves up there
    specification.loader.exec_module(module)
    return module


def play(observe: ModuleType, names: frozenset[str], base_port: int) -> list[dict[str, Any]]:
    """Play the cases of these names; what Envoy's admin port would be asked has no answer."""
    os.environ["PYTHONPATH"] = str(ROOT)
    observe.add_all()
    lab = observe.Lab("", base_port, False, COMMAND)
    lab.admin = lambda path, post=False: NO_STATISTICS
    records = []
    try:
        for case in observe.CASES:
            if case.name in names:
                records.append(_play_one(observe, lab, case))
    finally:
        lab.stop()
    return records


def _play_one(observe: ModuleType, lab: Any, case: Any) -> dict[str, Any]:
    try:
        record: dict[str, Any] = observe.run_case(lab, case)
    except Exception as error:  # reason: a broken case must not stop the others
        record = {"name": case.name, "says": case.says, "failed": repr(error)}
    if lab.process.poll() is not None:
        raise SystemExit(f"meshd died in {case.name}")
    return record


if __name__ == "__main__":
    folder, names, port, out = sys.argv[1:]
    found = play(load(Path(folder)), frozenset(names.split(",")), int(port))
    Path(out).write_text(json.dumps(found))
