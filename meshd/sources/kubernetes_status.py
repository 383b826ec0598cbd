"""How reading from an API server goes: Problems for its operator, and figures for `meshctl status`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twisted.python.failure import Failure

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.kubernetes.client import ApiError
from meshd.sources.kubernetes_kinds import NEEDED, GroupKind
from meshd.sources.kubernetes_objects import SOURCE, kind_name
from meshd.sources.reflector import Reflector

Reflectors = Mapping[GroupKind, Sequence[Reflector]]
"""Who reads each kind."""

_RIGHTS = "give its user the right to get, list and watch it; packaging/kubernetes/rbac.yaml shows how"


def why_away(reflectors: Reflectors, undiscovered: Failure | None) -> str:
    """Give the reason why the server cannot be reached; an empty text if it can."""
    if undiscovered is not None and not isinstance(undiscovered.value, ApiError):
        return undiscovered.getErrorMessage()
    lost = (one.problem for each in reflectors.values() for one in each if one.problem and not one.status)
    return next(lost, "")


def find_problems(name: str, reflectors: Reflectors, away: str, undiscovered: Failure | None, *, from_disk: bool) -> tuple[Problem, ...]:
    """Tell what is wrong with the source itself; `from_disk`: what an earlier run kept is used."""
    return tuple(_problems(name, reflectors, away, undiscovered, from_disk))


def _problems(name: str, reflectors: Reflectors, away: str, undiscovered: Failure | None, from_disk: bool) -> Iterator[Problem]:
    origin = Origin(SOURCE)
    if away:
        stays = "what an earlier run kept of it is used" if from_disk else "what was read of it last stays in use"
        yield Problem(origin, f"the API server {name} is away: {away}", hint=stays, severity="warning")
    if undiscovered is not None and not away:
        yield Problem(origin, f"expected to be told which kinds there are, got {undiscovered.getErrorMessage()}")
    for (group, kind), readers in sorted(reflectors.items()):
        refused = next((one for one in readers if one.problem and one.status), None)
        if refused is None:
            continue
        said = f"expected to be able to list and watch {refused.collection.path}, got {refused.problem}"
        stays = "what was read of it before stays in use" if any(one.known for one in readers) else "nothing of it is used"
        hint = f"{_RIGHTS}; {stays}" if refused.status == 403 else stays
        yield Problem(Origin(SOURCE, kind=kind_name(group, kind)), said, hint=hint, severity="error" if (group, kind) in NEEDED else "warning")


def source_status(reflectors: Reflectors, now: float) -> dict[str, Any]:
    """Count objects and faults, and tell of each kind how it goes; `contact_age` is the seconds since the server last said something."""
    everybody = [one for each in reflectors.values() for one in each]
    kinds = {kind_name(*place): _kind_status(each) for place, each in sorted(reflectors.items()) if each}
    contact = max((one.contact for one in everybody), default=0.0)
    return {
        "contact_age": round(now - contact, 1) if contact else None,
        "objects": sum(len(one.known) for one in everybody),
        "faults": dict(sum((one.faults for one in everybody), Counter[str]())),
        "kinds": kinds,
    }


def _kind_status(readers: Sequence[Reflector]) -> dict[str, Any]:
    worst = next((one for one in readers if one.problem), readers[0])
    objects = sum(len(one.known) for one in readers)
    return {"state": worst.state, "listed": all(one.listed for one in readers), "objects": objects, "problem": worst.problem}
