"""Admission reviews: what the API server asks, and what it is answered."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from meshd.base.errors import Problem, has_errors
from meshd.base.origins import Origin
from meshd.inject.patch import difference
from meshd.inject.pod import Place, inject_pod
from meshd.inject.settings import InjectSettings
from meshd.inject.wishes import ReadYaml
from meshd.model.kinds import read_resource
from meshd.model.paths import no_lines
from meshd.model.reading import shown

API_VERSION = "admission.k8s.io/v1"
MAX_DEPTH = 100  # as of a file; Kubernetes' own schemas stay below 40
MAX_VALUES = 100_000  # a pod has some hundred, a VirtualService of 5,000 routes 50,000; each costs some microseconds
MAX_UID = 256  # characters; a UUID has 36
MAX_SAID = 4000  # characters of a message; the API server keeps about as many
MAX_WARNINGS = 10  # the API server cuts all warnings of a request at 4,096 characters, each at 120 or so
SOURCE = "admission"

Json = dict[str, Any]


class ReviewError(Exception):
    """Something that is no review that could be answered; the text says what was expected and what was found."""


@attrs.frozen
class Request:
    """
    What is asked.

    Attributes:
        uid: By which the answer is known.
        operation: CREATE, UPDATE, DELETE or CONNECT.
        kind: Of the object: group and kind.
        subresource: Such as `status`; empty for the object itself.
        namespace: Of the request; empty for kinds without one.
        object: What is to be; None where nothing is.
    """

    uid: str
    operation: str
    kind: tuple[str, str]
    subresource: str
    namespace: str
    object: Json | None


@attrs.frozen
class Verdict:
    """
    An answer.

    Attributes:
        allowed: It may be.
        message: Why not.
        warnings: What its author is told besides.
        patch: Operations on the object.
        note: What the audit log keeps.
    """

    allowed: bool
    message: str = ""
    warnings: tuple[str, ...] = ()
    patch: tuple[Json, ...] = ()
    note: str = ""


Judge = Callable[[Request], Verdict]


def read_review(content: bytes) -> Request:
    """
    Read a review.

    Raises:
        ReviewError: If it is none, or of another version.
    """
    try:
        body = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ReviewError("expected JSON, got something else") from None
    _check_extent(body)
    if not isinstance(body, dict) or body.get("kind") != "AdmissionReview":
        raise ReviewError("expected an AdmissionReview, got something else")
    if body.get("apiVersion") != API_VERSION:
        raise ReviewError(f"expected apiVersion {API_VERSION}, got {shown(body.get('apiVersion'))}")
    request = body.get("request")
    if not isinstance(request, dict):
        raise ReviewError(f"expected a request, got {shown(request)}")
    uid = request.get("uid")
    if not isinstance(uid, str) or not 0 < len(uid) <= MAX_UID:
        raise ReviewError(f"expected request.uid to be a text, got {shown(uid)}")
    kind, found = request.get("kind"), request.get("object")
    named = kind if isinstance(kind, dict) else {}
    return Request(
        uid, _text(request.get("operation")), (_text(named.get("group")), _text(named.get("kind"))), _text(request.get("subResource")),
        _text(request.get("namespace")), found if isinstance(found, dict) else None,
    )


def write_review(request: Request, verdict: Verdict) -> bytes:
    """Give the answer to a review."""
    response: Json = {"uid": request.uid, "allowed": verdict.allowed}
    if verdict.message:
        response["status"] = {"code": 200 if verdict.allowed else 400, "message": verdict.message[:MAX_SAID], "reason": "BadRequest"}
    if verdict.warnings:
        response["warnings"] = [text.replace("\n", " ")[:MAX_SAID] for text in verdict.warnings[:MAX_WARNINGS]]
    if verdict.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(verdict.patch, separators=(",", ":")).encode()).decode()
    if verdict.note:
        response["auditAnnotations"] = {"verdict": verdict.note}
    return json.dumps({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}).encode()


@attrs.frozen
class InjectionJudge:
    """Puts sidecars into pods that are made."""

    settings: InjectSettings
    read_yaml: ReadYaml

    def __call__(self, request: Request) -> Verdict:
        """Give the patch that a pod needs; namespaces were looked at by the selectors, so that we are asked at all."""
        if request.operation != "CREATE" or request.subresource:
            return Verdict(True, note=f"no sidecar: {request.operation or 'no operation'} changes none")
        if request.kind != ("", "Pod") or request.object is None:
            return Verdict(False, f"expected a Pod, got {request.kind[1] or 'nothing'}; the webhook's rules are to name pods alone")
        metadata = request.object.get("metadata")
        name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else ""
        origin = Origin(SOURCE, kind="Pod", namespace=request.namespace, name=_text(name))
        found = inject_pod(request.object, Place(origin, request.namespace or "default"), self.settings, self.read_yaml)
        warnings = tuple(_said(problem) for problem in found.problems if problem.severity != "error")
        if has_errors(found.problems):
            return Verdict(False, _errors(found.problems), warnings)
        if not found.choice.inject:
            return Verdict(True, warnings=warnings, note=f"no sidecar: {found.choice.reason}")
        return Verdict(True, warnings=warnings, patch=tuple(difference(request.object, found.pod)), note=f"sidecar: {found.choice.reason}")


def judge_resource(request: Request) -> Verdict:
    """Judge a resource of the mesh as meshd reads it: with an error it would not be used, so it is refused."""
    if request.operation not in ("CREATE", "UPDATE") or request.object is None or request.subresource:
        return Verdict(True)
    problems = _problems_of(request.object)
    warnings = tuple(_said(problem) for problem in problems if problem.severity == "warning")
    return Verdict(False, _errors(problems), warnings) if has_errors(problems) else Verdict(True, warnings=warnings)


def _problems_of(body: Mapping[str, object]) -> list[Problem]:
    return read_resource(body, Origin(SOURCE), no_lines)[1]


def _errors(problems: tuple[Problem, ...] | list[Problem]) -> str:
    return "; ".join(_said(problem) for problem in problems if problem.severity == "error")


def _said(problem: Problem) -> str:
    """Give a Problem without its place, which the API server's client knows."""
    said = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return f"{problem.field}: {said}" if problem.field else said


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _check_extent(value: object) -> None:
    """
    Make sure that a value is neither deeper nor larger than anything that is meant; without recursion, since it may be.

    Raises:
        ReviewError: If it is.
    """
    level: list[object] = [value]
    count = 0
    for _ in range(MAX_DEPTH):
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        count += sum(map(len, inner))
        if count > MAX_VALUES:
            raise ReviewError(f"expected at most {MAX_VALUES} values, got more")
        level = [item for items in inner for item in items]
        if not level:
            return
    raise ReviewError(f"expected at most {MAX_DEPTH} levels of nesting, got more")


def _no_constant(text: str) -> float:
    raise ValueError(f"expected a finite number, got {text}")
