"""`meshctl webhook`: what a cluster needs so that its API server asks meshd about pods and resources of the mesh."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from meshd.base.errors import ConfigurationError
from meshd.cli import options
from meshd.cli.injection import injection
from meshd.cli.printing import print_object, to_yaml
from meshd.inject.settings import InjectSettings

if TYPE_CHECKING:
    from meshd.kubernetes.client import KubernetesClient
    from meshd.webhook.configuration import Hook

T = TypeVar("T")
Json = dict[str, Any]
Command = Callable[..., Any]

_HOOK_OPTIONS = (
    click.option("--url", default="", metavar="https://HOST:PORT/inject", help="A webhook outside of the cluster; nothing runs in it then."),
    click.option("--ca-file", default="", metavar="FILE", help="The webhook's authority; without it that of its Secret, made if need be."),
    click.option("--failure-policy", type=click.Choice(["Fail", "Ignore"]), default="Fail", show_default=True,
                 help="Of pods, when the webhook is away."),
    click.option("--validation-policy", type=click.Choice(["Fail", "Ignore", "off"]), default="Ignore", show_default=True,
                 help="Of the mesh's own resources, when the webhook is away; off: they are not validated."),
    click.option("--reinvocation-policy", type=click.Choice(["Never", "IfNeeded"]), default="Never", show_default=True,
                 help="Ask again when another webhook changed a pod."),
    click.option("--timeout", type=click.IntRange(1, 30), default=10, show_default=True, help="Seconds that the API server waits."),
    click.option("--replicas", type=click.IntRange(0, 100), default=2, show_default=True, help="Processes in the cluster."),
)
_cluster_options = (
    click.option("--kubeconfig", default="", metavar="FILE", help="Found as kubectl does without it."),
    click.option("--context", default="", help="Of the kubeconfig; its current one without it."),
)


def with_options(*wanted: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Give a decorator of several options, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(wanted):
            command = option(command)
        return command

    return decorate


@click.group(epilog=options.examples(
    "meshctl webhook print --image registry.example.com/meshd:0.1.0",
    "meshctl webhook install --image registry.example.com/meshd:0.1.0",
    "meshctl webhook install --url https://10.0.0.7:15017/inject --ca-file ./ca.crt",
    "meshctl webhook uninstall",
))
def command() -> None:
    """
    Let a cluster ask meshd: it puts sidecars into pods, and refuses resources that meshd could not use.

    The webhook itself is `twistd -n meshd-webhook`, which `install` has run in the cluster, or which you run where `--url` says.
    """


@command.command("print", short_help="Print what install would apply.")
@with_options(*_HOOK_OPTIONS)
@injection
@options.output("yaml", "json", default="yaml")
def print_documents(settings: InjectSettings, form: str, **found: Any) -> None:
    """Print what `install` would apply; no cluster is asked, so without --ca-file the webhook adds its authority itself."""
    documents = _documents(settings, found, _read_ca(found["ca_file"]))
    if form == "json":
        print_object({"apiVersion": "v1", "kind": "List", "items": documents}, form)
    else:
        click.echo("---\n".join(to_yaml(document) for document in documents), nl=False)


@command.command(short_help="Put the webhook into a cluster.")
@with_options(*_HOOK_OPTIONS, *_cluster_options)
@click.option("--force", is_flag=True, help="Take over fields that somebody else set, such as an Istio that injects under the same name.")
@injection
def install(settings: InjectSettings, kubeconfig: str, context: str, force: bool, **found: Any) -> None:
    """Put the webhook into a cluster, or change what is there; applied by server-side apply as the field manager `meshd`."""

    async def work(client: "KubernetesClient", reactor: Any) -> None:
        from meshd.cli.applying import apply_all, authority_of

        bundle = _read_ca(found["ca_file"])
        before = [] if found["url"] else [_namespace(settings)]
        await apply_all(client, before, force, click.echo)
        if not bundle:
            bundle = (await authority_of(client, settings.namespace)).ca_bundle
        documents = _documents(settings, found, bundle)
        await apply_all(client, [one for one in documents if one["kind"] != "Namespace"], force, click.echo)

    _with_client(kubeconfig, context, work)


@command.command(short_help="Take the webhook out of a cluster.")
@with_options(*_cluster_options)
@injection
def uninstall(settings: InjectSettings, kubeconfig: str, context: str) -> None:
    """
    Take the webhook out of a cluster, who asks first.

    The namespace stays; pods keep their sidecars, and these the right to read what the mesh is made of.
    """

    async def work(client: "KubernetesClient", reactor: Any) -> None:
        from meshd.cli.applying import delete_all
        from meshd.webhook.configuration import Hook, everything
        from meshd.webhook.rights import reading_rights
        from meshd.webhook.store import secret_document

        kept = [_namespace(settings), *reading_rights()]
        applied = [one for one in everything(settings, Hook(), 0, validates=True) if one not in kept]
        await delete_all(client, [*reversed(applied), secret_document(settings.namespace)], click.echo)

    _with_client(kubeconfig, context, work)


def _documents(settings: InjectSettings, found: dict[str, Any], bundle: str) -> list[Json]:
    from meshd.webhook.configuration import Hook, everything

    policy = found["validation_policy"]
    hook = Hook(
        found["url"], bundle, found["failure_policy"], "Ignore" if policy == "off" else policy, found["reinvocation_policy"], found["timeout"],
    )
    _check_url(hook)
    return everything(settings, hook, found["replicas"], validates=policy != "off")


def _check_url(hook: "Hook") -> None:
    from meshd.webhook.configuration import INJECT_PATH, host_of

    if hook.url and not (hook.url.startswith("https://") and host_of(hook.url) and hook.url.endswith(INJECT_PATH)):
        raise click.UsageError(f"--url: expected https://HOST:PORT{INJECT_PATH}, got {hook.url}")


def _read_ca(path: str) -> str:
    """
    Read certificates, and give them as webhook configurations have them.

    Raises:
        ConfigurationError: If there are none.
    """
    from meshd.webhook.authority import Authority, AuthorityError

    if not path:
        return ""
    try:
        found = Authority(Path(path).read_text(errors="replace"), "")
        found.ends()
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a readable file: {error.strerror}") from None
    except AuthorityError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return found.ca_bundle


def _namespace(settings: InjectSettings) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": settings.namespace}}


def _with_client(kubeconfig: str, context: str, work: "Callable[[KubernetesClient, Any], Coroutine[Any, Any, T]]") -> T:
    """Run work with a client, which is closed behind it."""
    from meshd.cli.reactors import run

    async def with_client(reactor: Any) -> T:
        # reason: what these import takes the reactor that is there then
        from meshd.kubernetes.client import KubernetesClient
        from meshd.kubernetes.kubeconfig import load_connection

        connection = load_connection(kubeconfig, context)
        client = KubernetesClient(connection, reactor)
        try:
            return await work(client, reactor)
        finally:
            await client.close()

    return run(with_client)
