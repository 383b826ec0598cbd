"""How reading from an API server goes."""

from collections import Counter
from types import SimpleNamespace

from twisted.internet.error import ConnectionRefusedError
from twisted.python.failure import Failure

from meshd.kubernetes.client import ApiError
from meshd.sources.kubernetes_status import find_problems, source_status, why_away

POD, SERVICE = ("", "Pod"), ("", "Service")


def reader(problem="", status=0, known=(), contact=90.0, faults=None):
    """Give what the status asks of a reflector."""
    return SimpleNamespace(
        problem=problem, status=status, known=dict.fromkeys(known, "1"), contact=contact, faults=Counter(faults or {}), listed=not problem,
        state="waiting" if problem else "watching", collection=SimpleNamespace(path="/api/v1/things"),
    )


def test_a_server_is_away_when_it_does_not_answer():
    """An answer, whatever it says, is from a server that is there."""
    assert "" == why_away({POD: [reader(), reader("403 Forbidden", 403)]}, None)
    assert "cut" == why_away({POD: [reader(), reader("cut")]}, None)
    assert "" == why_away({}, Failure(ApiError("", 503)))
    assert "refused" in why_away({}, Failure(ConnectionRefusedError()))


def test_tells_what_is_refused():
    """An error where nothing works without it, a warning elsewhere; and whether what was read before stays."""
    found = find_problems("s", {SERVICE: [reader("500 no", 500, ["a"])], POD: [reader(), reader("403 Forbidden", 403)]}, "", None, from_disk=False)
    assert [("Pod", "warning"), ("Service", "error")] == [(problem.origin.kind, problem.severity) for problem in found]
    assert ["nothing of it is used", "what was read of it before stays in use"] == [problem.hint.split("; ")[-1] for problem in found]


def test_tells_of_a_server_that_is_away_once():
    """Not for each kind."""
    lost = {SERVICE: [reader("cut")], POD: [reader("cut")]}
    (problem,) = find_problems("s", lost, "cut", None, from_disk=False)
    assert ("the API server s is away: cut", "warning") == (problem.message, problem.severity)
    (problem,) = find_problems("s", lost, "cut", None, from_disk=True)
    assert "what an earlier run kept of it is used" == problem.hint


def test_tells_of_a_server_that_does_not_say_what_it_has():
    """It answers, but not that."""
    (problem,) = find_problems("s", {}, "", Failure(ApiError("s", 401, "Unauthorized")), from_disk=False)
    assert "401 Unauthorized" in problem.message


def test_counts():
    """Objects, faults, and the seconds since the server last said something."""
    reflectors = {
        SERVICE: [reader(known="ab", contact=95.0)],
        POD: [reader("403 Forbidden", 403, faults={"an event out of order": 2}), reader(known="c", faults={"an event out of order": 1})],
    }
    found = source_status(reflectors, 100.0)
    assert (5.0, 3, {"an event out of order": 3}) == (found["contact_age"], found["objects"], found["faults"])
    assert {
        "Pod": {"state": "waiting", "listed": False, "objects": 1, "problem": "403 Forbidden"},
        "Service": {"state": "watching", "listed": True, "objects": 2, "problem": ""},
    } == found["kinds"]
    assert source_status({}, 100.0)["contact_age"] is None
