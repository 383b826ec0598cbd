"""What the control plane knows of itself, as the JSON that the admin pages show and `meshctl status` reads (shape: `meshd.admin.pages`)."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from meshd.base.addresses import format_address
from meshd.control.generations import Generation
from meshd.control.ingest import Verdict
from meshd.control.service import ControlPlane
from meshd.control.sockets import Place
from meshd.control.workers import Slot, Workers
from meshd.model.node import Node
from meshd.snapshot.snapshot import PARTS
from meshd.snapshot.update import find_changes
from meshd.snapshot.wire import encode


def workers_status(workers: Workers) -> list[dict[str, Any]]:
    """Tell of each worker: its process, what it is wanted to serve with, was sent and has acknowledged, and what is wrong."""
    return [_worker(slot, workers.wanted) for _, slot in sorted(workers.slots.items())]


def generation_status(control: ControlPlane) -> dict[str, Any]:
    """Tell what is served, or why the last configuration is not."""
    generation = control.generation
    return {
        "number": generation.number if generation else None,
        "versions": dict(generation.versions) if generation else {},
        "made": control.made or None,
        "resources": {part: len(getattr(generation.snapshot, part)) for part in PARTS} if generation else {},
        "rejected": list(control.rejected),
        "kept": control.store.numbers(),
    }


def snapshot_bytes(generation: Generation | None) -> bytes:
    """Give what is served as workers get it, without secrets; empty where there is no generation."""
    if generation is None:
        return b""
    return encode(find_changes(None, attrs.evolve(generation.snapshot, secrets={}), {}, generation.versions))


def sources_status(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Count documents by what became of them, and list those that are not simply in use."""
    counts: dict[str, int] = {}
    listed = []
    for verdict in verdicts:
        counts[verdict.outcome] = counts.get(verdict.outcome, 0) + 1
        if verdict.outcome != "ok":
            listed.append({"origin": str(verdict.origin), "outcome": verdict.outcome, "text": verdict.text})
    return {"documents": counts, "verdicts": listed}


def node_status(node: Node) -> dict[str, Any]:
    """Tell who this machine is."""
    return {
        "name": node.metadata.name, "namespace": node.namespace, "addresses": list(node.addresses), "gateway": node.gateway,
        "origin": str(node.metadata.origin), "ports": attrs.asdict(node.ports),
    }


def _worker(slot: Slot, wanted: Generation | None) -> dict[str, Any]:
    attachment = slot.attachment
    pusher = attachment.pusher if attachment else None
    problems = list(attachment.problems) if attachment else []
    if attachment:
        problems += [f"cannot listen on {place[0]} port {place[1]}: {error.strerror}" for place, error in attachment.failures.items()]
    refusal = pusher.refusal if pusher else None
    return {
        "index": slot.index,
        "pid": slot.life.pid if slot.life else None,
        "state": slot.state,
        "serving": bool(attachment and attachment.serving),
        "wanted": _number(wanted),
        "sent": _number(pusher.sent or pusher.acknowledged) if pusher else None,
        "acknowledged": _number(pusher.acknowledged) if pusher else None,
        "nonce": pusher.nonce if pusher else 0,
        "pushed": pusher.pushed if pusher else 0,
        "refused": {"number": refusal.number, "reasons": list(refusal.reasons)} if refusal else None,
        "restarts": slot.restarts,
        "ended": slot.ended,
        "problems": problems,
        "listening": _listening(attachment.listening if attachment else {}),
        "status": dict(attachment.status) if attachment else {},
    }


def _listening(listening: Mapping[str, set[Place]]) -> dict[str, list[str]]:
    return {name or "health": sorted(format_address(place[0], place[1]) for place in places) for name, places in listening.items()}


def _number(generation: Generation | None) -> int | None:
    return generation.number if generation else None
