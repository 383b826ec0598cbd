"""`meshctl status`: how a running meshd and its workers are."""

import time
from collections.abc import Mapping
from typing import Any

import click

from meshd.cli import options
from meshd.cli.printing import finish, print_object
from meshd.cli.text_tables import format_table

HEADER = ("WORKER", "PID", "STATE", "WANTED", "SENT", "ACKNOWLEDGED", "CONNECTIONS", "RESTARTS")

Json = Mapping[str, Any]


@click.command()
@options.run_dir
@options.output("table", "json", "yaml", default="table")
def command(run_dir: str, form: str) -> None:
    """
    Show how a running meshd and its workers are.

    For each worker: which generation of the configuration it is wanted to serve with, was sent, and has acknowledged. Exit status 1 if it does
    not serve, if the configuration has errors, or if a worker refused it.
    """
    from meshd.cli.live import get_json

    found = get_json(run_dir, "/status")
    if form == "table":
        click.echo(format_status(found, time.time()), nl=False)
    else:
        print_object(found, form)
    finish(not is_well(found))


def is_well(status: Json) -> bool:
    """Tell whether meshd serves, without errors, and every worker with what it is wanted to."""
    errors = any(problem.get("severity") == "error" for problem in status.get("problems") or [])
    refused = any(worker.get("refused") for worker in status.get("workers") or [])
    return status.get("state") == "serving" and not errors and not refused


def format_status(status: Json, now: float) -> str:
    """Give the status for people."""
    lines = [f"meshd {status.get('version', '?')}, process {status.get('pid', '?')}: {status.get('state', '?')}{_since(status.get('started'), now)}"]
    node = status.get("node") or {}
    if node:
        addresses = ", ".join(node.get("addresses") or []) or "no address"
        lines.append(f"node {node.get('name')}.{node.get('namespace')} ({addresses}), from {node.get('origin')}")
    lines += _generation(status.get("generation") or {}, now)
    documents = (status.get("sources") or {}).get("documents") or {}
    if documents:
        lines.append("documents: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(documents.items())))
    lines += _kubernetes((status.get("sources") or {}).get("kubernetes") or {})
    capture = status.get("capture") or {}
    if capture:
        backend = f" ({capture['backend']})" if capture.get("backend") else ""
        lines.append(f"capture: {capture.get('state')}{backend}" + (f": {capture['problem']}" if capture.get("problem") else ""))
    lines += [*_forwarding(status), *_dns(status), *_registry(status.get("registry") or {})]
    text = "\n".join(lines) + "\n"
    workers = status.get("workers") or []
    if workers:
        text += "\n" + format_table(HEADER, [_worker(worker) for worker in workers])
    faults = _faults(status)
    return text + ("\n" + "\n".join(faults) + "\n" if faults else "")


def _generation(generation: Json, now: float) -> list[str]:
    if generation.get("number") is None:
        return ["generation: none yet", *_rejected(generation)]
    resources = ", ".join(f"{count} {part}" for part, count in reversed((generation.get("resources") or {}).items()))
    return [f"generation {generation['number']}{_since(generation.get('made'), now)}: {resources}", *_rejected(generation)]


def _kubernetes(source: Json) -> list[str]:
    """Tell of an API server that is read: whether we are in step, when it was last heard of, and what it sent that was of no use."""
    if not source:
        return []
    words = {"kept": "not reached yet, what an earlier run kept is used", "starting": "not read yet, nothing is served"}
    age = source.get("contact_age")
    heard = f", last heard of {_length(age)} ago" if isinstance(age, int | float) else ""
    lines = [f"kubernetes {source.get('server')}: {words.get(str(source.get('state')), source.get('state'))}, {source.get('objects')} objects{heard}"]
    faults = source.get("faults") or {}
    if faults:
        lines.append("kubernetes sent " + ", ".join(f"{fault} ({count})" for fault, count in sorted(faults.items())))
    kept = source.get("kept") or {}
    if kept.get("problem"):
        lines.append(f"kubernetes is not kept in {kept.get('file')}: {kept['problem']}")
    return lines


def _forwarding(status: Json) -> list[str]:
    forwarding = status.get("forwarding") or {}
    if not forwarding:
        return []
    pairs = sum((worker.get("status") or {}).get("forwarded") or 0 for worker in status.get("workers") or [])
    more = f": {forwarding['reason']}" if forwarding.get("reason") else f", {pairs} connections" if pairs else ""
    return [f"kernel forwarding: {forwarding.get('state')}{more}"]


def _dns(status: Json) -> list[str]:
    """Tell of names: a server that one worker's questions are answered by answers."""
    found = [(worker.get("status") or {}).get("dns") or {} for worker in status.get("workers") or []]
    found = [dns for dns in found if dns]
    if not found:
        return []
    queries = {name: sum((dns.get("queries") or {}).get(name, 0) for dns in found) for name in ("table", "cache", "server", "nobody")}
    told = ", ".join(f"{count} by {name}" for name, count in queries.items() if count) or "none yet"
    kept, asking = (sum(dns.get(key, 0) for dns in found) for key in ("kept", "asking"))
    lines = [f"dns: {max(dns.get('names', 0) for dns in found)} names; queries answered: {told}; {kept} answers kept, {asking} questions under way"]
    servers: dict[str, list[float | None]] = {}
    for dns in found:
        for server, silent in (dns.get("servers") or {}).items():
            servers.setdefault(server, []).append(silent)
    lines += [f"name server {server}: {_silence(silent)}" for server, silent in servers.items()]
    return lines if servers else [*lines, "name servers: none, so other names than the mesh's are not resolved"]


def _silence(silent: list[float | None]) -> str:
    seconds = [found for found in silent if found is not None]
    return f"does not answer for {max(seconds):.0f} s" if len(seconds) == len(silent) else "in use"


def _registry(registry: Json) -> list[str]:
    """Tell whether the workload is registered, whom this machine follows, and who registered here."""
    lines = []
    joined, follows, serves = (registry.get(name) for name in ("joined", "follows", "serves"))
    if joined:
        words = {True: "healthy", False: "not healthy", None: "health not known yet"}
        health = words[joined.get("healthy")] if joined.get("checked") else "not checked"
        reason = f" ({joined['reason']})" if joined.get("reason") else ""
        place = f"registered as {joined['name']}, last heartbeat {joined.get('heard')} s ago" if joined.get("name") else "not registered"
        lines.append(f"workload: {place}; {health}{reason}" + _problem(joined))
    if follows:
        heard = "not reached yet" if follows.get("heard") is None else f"last answer {follows['heard']} s ago"
        lines.append(f"registry: follows {follows.get('entries')} workloads, {heard}" + _problem(follows))
    if serves:
        lines.append(f"registry: serves {len(serves.get('registered') or [])} workloads at port {serves.get('port')}" + _problem(serves))
    return lines


def _problem(part: Json) -> str:
    return f"; {part['problem']}" if part.get("problem") else ""


def _rejected(generation: Json) -> list[str]:
    return [f"the last configuration is not served: {reason}" for reason in generation.get("rejected") or []]


def _worker(worker: Json) -> tuple[str, ...]:
    connections = (worker.get("status") or {}).get("connections")
    values = [worker.get(key) for key in ("index", "pid", "state", "wanted", "sent", "acknowledged")]
    return tuple("-" if value is None else str(value) for value in (*values, connections, worker.get("restarts")))


def _faults(status: Json) -> list[str]:
    faults = []
    for worker in status.get("workers") or []:
        refused = worker.get("refused") or {}
        faults += [f"worker {worker.get('index')} refused generation {refused.get('number')}: {reason}" for reason in refused.get("reasons") or []]
        faults += [f"worker {worker.get('index')}: {problem}" for problem in worker.get("problems") or []]
        if worker.get("ended"):
            faults.append(f"worker {worker.get('index')}: its last process ended: {worker['ended']}")
    for problem in status.get("problems") or []:
        marked = "" if problem.get("severity") == "error" else f" [{problem.get('severity')}]"
        faults.append(f"{problem.get('text')}{marked}")
    return faults


def _since(moment: object, now: float) -> str:
    return f" for {_length(now - moment)}" if isinstance(moment, int | float) else ""


def _length(duration: float) -> str:
    seconds = max(0, int(duration))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
