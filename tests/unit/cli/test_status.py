"""`meshctl status`."""

from typing import Any

import pytest

from meshd.cli.status import format_status, is_well

NOW = 1_000_000.0
STATUS: dict[str, Any] = {
    "version": "0.1.0", "pid": 42, "state": "serving", "started": NOW - 7300,
    "node": {"name": "web-1", "namespace": "default", "addresses": ["10.0.0.7"], "gateway": False, "origin": "node.yaml:1 (Node web-1)", "ports": {}},
    "generation": {
        "number": 7, "versions": {}, "made": NOW - 10, "resources": {"secrets": 0, "endpoints": 3, "clusters": 6, "routes": 2, "listeners": 4},
        "rejected": [], "kept": [6, 7],
    },
    "workers": [{
        "index": 0, "pid": 43, "state": "attached", "serving": True, "wanted": 7, "sent": 7, "acknowledged": 6, "nonce": 9, "refused": None,
        "restarts": 0, "ended": "", "problems": [], "listening": {}, "status": {"connections": 12, "forwarded": 5},
    }],
    "sources": {"documents": {"ok": 5, "kept": 1}, "verdicts": []},
    "problems": [],
    "forwarding": {"state": "on", "reason": ""},
    "capture": {"wanted": True, "state": "applied", "backend": "nftables", "problem": ""},
}

EXPECTED = """\
meshd 0.1.0, process 42: serving for 2 h
node web-1.default (10.0.0.7), from node.yaml:1 (Node web-1)
generation 7 for 10 s: 4 listeners, 2 routes, 6 clusters, 3 endpoints, 0 secrets
documents: 1 kept, 5 ok
capture: applied (nftables)
kernel forwarding: on, 5 connections

WORKER     PID     STATE        WANTED     SENT     ACKNOWLEDGED     CONNECTIONS     RESTARTS
0          43      attached     7          7        6                12              0
"""


def test_all_is_well() -> None:
    """Who, what, since when, and each worker."""
    assert EXPECTED == format_status(STATUS, NOW)
    assert is_well(STATUS)


def test_a_worker_that_refused() -> None:
    """With its reasons."""
    refused = {"refused": {"number": 7, "reasons": ["listener x: no cluster"]}, "problems": ["port 80 is taken"], "ended": "signal 9"}
    status = {**STATUS, "workers": [{**STATUS["workers"][0], **refused}]}
    assert not is_well(status)
    assert [
        "worker 0 refused generation 7: listener x: no cluster", "worker 0: port 80 is taken", "worker 0: its last process ended: signal 9",
    ] == format_status(status, NOW).splitlines()[-3:]


def test_a_kernel_that_does_not_forward() -> None:
    """With its reason; that is no fault."""
    status = {**STATUS, "forwarding": {"state": "not possible", "reason": "Operation not permitted"}}
    assert "kernel forwarding: not possible: Operation not permitted" in format_status(status, NOW).splitlines()
    assert is_well(status)


@pytest.mark.parametrize(("severity", "shown", "well"), [("error", "a.yaml:1: bad", False), ("warning", "a.yaml:1: bad [warning]", True)])
def test_problems(severity: str, shown: str, well: bool) -> None:
    """Errors make the status bad, warnings are shown."""
    status = {**STATUS, "problems": [{"severity": severity, "text": "a.yaml:1: bad"}]}
    assert (shown, well) == (format_status(status, NOW).splitlines()[-1], is_well(status))


@pytest.mark.parametrize("state", ["starting", "degraded", "stopping", None])
def test_only_serving_is_well(state: str | None) -> None:
    """Everything else is not."""
    assert not is_well({**STATUS, "state": state})


def test_nothing_is_served_yet() -> None:
    """And why."""
    generation = {"number": None, "rejected": ["cluster x: no endpoints"]}
    lines = format_status({**STATUS, "generation": generation, "capture": {"state": "failed", "problem": "nft is missing"}}, NOW).splitlines()
    assert ["generation: none yet", "the last configuration is not served: cluster x: no endpoints"] == lines[2:4]
    assert "capture: failed: nft is missing" in lines


@pytest.mark.parametrize("status", [
    {}, {"workers": [{}]}, {"generation": None, "problems": None, "workers": None}, {"problems": [{}], "sources": None},
])
def test_another_version_may_say_less(status: dict[str, Any]) -> None:
    """What is absent is not shown, and nothing breaks."""
    assert format_status(status, NOW).startswith("meshd ?, process ?: ?\n")
    assert not is_well(status)


@pytest.mark.parametrize(("age", "expected"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 d"), (-5, "0 s")])
def test_ages(age: float, expected: str) -> None:
    """In the largest unit of which there are two."""
    assert f"meshd ?, process ?: serving for {expected}\n" in format_status({"state": "serving", "started": NOW - age}, NOW)


def test_names() -> None:
    """Of all workers; a name server is in use while one worker gets answers, and that one does not answer is no fault of meshd."""
    def worker(**dns: object) -> dict[str, Any]:
        return {"status": {"dns": {"names": 9, "queries": {"table": 2, "nobody": 1}, "kept": 3, "asking": 1, **dns}}}

    def lines(*workers: dict[str, Any]) -> list[str]:
        return [line for line in format_status({**STATUS, "workers": list(workers)}, NOW).splitlines() if line.startswith(("dns", "name server"))]

    both = worker(servers={"10.0.0.1": 7.2, "10.0.0.2": 3.0}), worker(servers={"10.0.0.1": 9.9, "10.0.0.2": None})
    assert [
        "dns: 9 names; queries answered: 4 by table, 2 by nobody; 6 answers kept, 2 questions under way",
        "name server 10.0.0.1: does not answer for 10 s", "name server 10.0.0.2: in use",
    ] == lines(*both)
    assert [
        "dns: 9 names; queries answered: none yet; 3 answers kept, 1 questions under way",
        "name servers: none, so other names than the mesh's are not resolved",
    ] == lines(worker(queries={}, servers={}))
    assert [] == lines(STATUS["workers"][0], {"status": {"dns": {}}})


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ({"joined": {"name": "shop/web-1", "heard": 1.5, "problem": "", "checked": True, "healthy": True, "reason": ""}},
         ["workload: registered as shop/web-1, last heartbeat 1.5 s ago; healthy"]),
        ({"joined": {"name": "shop/web-1", "heard": 9.5, "problem": "away", "checked": True, "healthy": False, "reason": "refused"}},
         ["workload: registered as shop/web-1, last heartbeat 9.5 s ago; not healthy (refused); away"]),
        ({"joined": {"name": None, "heard": None, "problem": "away", "checked": False, "healthy": None, "reason": ""},
          "follows": {"heard": None, "entries": 0, "problem": "away"}},
         ["workload: not registered; not checked; away", "registry: follows 0 workloads, not reached yet; away"]),
        ({"follows": {"heard": 2.0, "entries": 3, "problem": ""}}, ["registry: follows 3 workloads, last answer 2.0 s ago"]),
        ({"serves": {"port": 15016, "problem": "in use", "registered": [{}, {}]}}, ["registry: serves 2 workloads at port 15016; in use"]),
        (None, []),
    ],
)
def test_registration(registry: Any, expected: list[str]) -> None:
    """A line each for the own workload, for the registry that is followed, and for the one that is served."""
    lines = format_status({**STATUS, "registry": registry}, NOW).splitlines()
    assert expected == lines[6:-3]


KUBERNETES: dict[str, Any] = {
    "server": "https://k", "state": "in sync", "away": "", "contact_age": 3.4, "objects": 7, "faults": {}, "kinds": {},
    "kept": {"file": "/s/k.sqlite", "waiting": 0, "problem": ""},
}


@pytest.mark.parametrize(("more", "expected"), [
    ({}, ["kubernetes https://k: in sync, 7 objects, last heard of 3 s ago"]),
    ({"state": "away", "contact_age": 600}, ["kubernetes https://k: away, 7 objects, last heard of 10 min ago"]),
    ({"state": "kept", "contact_age": None}, ["kubernetes https://k: not reached yet, what an earlier run kept is used, 7 objects"]),
    ({"state": "starting", "contact_age": None, "objects": 0}, ["kubernetes https://k: not read yet, nothing is served, 0 objects"]),
    ({"faults": {"an event out of order": 2}, "kept": {"file": "/s/k.sqlite", "problem": "disk full"}}, [
        "kubernetes https://k: in sync, 7 objects, last heard of 3 s ago", "kubernetes sent an event out of order (2)",
        "kubernetes is not kept in /s/k.sqlite: disk full",
    ]),
])
def test_an_api_server(more: dict[str, Any], expected: list[str]) -> None:
    """Whether we are in step with it, how much there is, and since when it is silent."""
    status = {**STATUS, "sources": {**STATUS["sources"], "kubernetes": {**KUBERNETES, **more}}}
    assert expected == [line for line in format_status(status, NOW).splitlines() if line.startswith("kubernetes")]
