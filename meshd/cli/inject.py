"""`meshctl inject`: Kubernetes' workloads with a meshd sidecar in their pods."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from meshd.base.errors import ConfigurationError, has_errors
from meshd.cli import options
from meshd.cli.injection import injection, read_files
from meshd.cli.printing import finish, print_object, print_problems, to_yaml
from meshd.cli.text_tables import format_table
from meshd.inject.settings import NAMESPACE_LABEL, REVISION, InjectSettings

if TYPE_CHECKING:
    from meshd.inject.workloads import Document as Injected
    from meshd.inject.workloads import Outcome
    from meshd.sources.documents import Document
    from meshd.sources.rewriting import Part

HEADER = ("WORKLOAD", "SIDECAR", "REASON")


@click.command(epilog=options.examples(
    "kubectl create deployment web --image=nginx --dry-run=client -o yaml | meshctl inject -f - | kubectl apply -f -",
    "meshctl inject -f ./manifests --image registry.example.com/meshd:0.1.0",
    "meshctl inject -f web.yaml --explain",
))
@click.option("-f", "--filename", "paths", multiple=True, required=True, metavar="PATH", help="File or directory; `-` is standard input.")
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of workloads that name none.")
@click.option("--explain", is_flag=True, help="Tell for each workload whether it gets a sidecar and why, instead of printing it.")
@injection
@options.output("yaml", "json", default="yaml")
def command(paths: tuple[str, ...], namespace: str, explain: bool, settings: InjectSettings, form: str) -> None:
    """
    Put a meshd sidecar, and the step that diverts connections to it, into the pods of workloads.

    Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Jobs and CronJobs are changed, in lists too; all else is
    printed as it was. Labels and annotations have their say as in Istio: `sidecar.istio.io/inject: "false"` keeps a pod out, and so do labels
    of its namespace where the same files hold it. What has a sidecar stays as it is. Why a workload gets none is told on standard error.
    Nothing is printed when a workload cannot be injected.
    """
    from meshd.inject.workloads import Injector
    from meshd.sources.rewriting import read_mapping, read_parts

    files = [(file, read_parts(content, file)) for path in paths for file, content in read_files(path)]
    documents = [_sound(part) for _, parts in files for part in parts]
    injector = Injector(settings, read_mapping, namespace, labels_of_namespaces(filter(None, documents)).get)
    found = [injector.inject(document.body, document.origin, document.lines) if document else None for document in documents]
    outcomes = [outcome for one in found if one for outcome in one.outcomes]
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    print_problems(problems)
    if explain:
        print_reasons(outcomes, form)
    elif not has_errors(problems):
        _print_documents([part for _, parts in files for part in parts], found, form)
        for outcome in outcomes:
            if not outcome.changed:
                click.echo(f"{outcome.origin}: no sidecar: {outcome.choice.reason}", err=True)
    finish(has_errors(problems))


def labels_of_namespaces(documents: Iterable["Document"]) -> dict[str, Mapping[str, str]]:
    """Give the labels of those namespaces among documents that say anything about injection."""
    found: dict[str, Mapping[str, str]] = {}
    for document in documents:
        metadata = document.body.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if document.origin.kind == "Namespace" and isinstance(labels, dict) and {NAMESPACE_LABEL, REVISION} & labels.keys():
            found[document.origin.name] = {key: value for key, value in labels.items() if isinstance(value, str)}
    return found


def print_reasons(outcomes: Iterable["Outcome"], form: str) -> None:
    """Print a row for each workload."""
    rows = [(outcome.origin, "yes" if outcome.changed else "no", _reason(outcome)) for outcome in outcomes]
    if form == "json":
        told = [{"workload": origin.resource, "place": origin.place, "sidecar": yes == "yes", "reason": reason} for origin, yes, reason in rows]
        print_object(told, form)
    else:
        click.echo(format_table(HEADER, [(str(origin), yes, reason) for origin, yes, reason in rows]), nl=False)


def _sound(part: "Part") -> "Document | None":
    """Give the document of a part; what cannot be read cannot be injected."""
    if part.document is not None and part.document.problems:
        raise ConfigurationError(str(part.document.problems[0]))
    return part.document


def _print_documents(parts: list["Part"], found: list["Injected | None"], form: str) -> None:
    """Print documents: those that changed anew, the others as they were written."""
    from meshd.sources.rewriting import join

    if form == "json":
        for one in filter(None, found):
            print_object(one.body, form)
        return
    changed = [one is not None and any(outcome.changed for outcome in one.outcomes) for one in found]
    texts = [to_yaml(one.body).encode() if new and one else part.written for part, one, new in zip(parts, found, changed, strict=True)]
    click.echo(join(texts).decode(), nl=False)


def _reason(outcome: "Outcome") -> str:
    return next((problem.message for problem in outcome.problems if problem.severity == "error"), outcome.choice.reason)
