"""What commands about injection share: the injector's settings as options, and the files that they read."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from meshd.base.errors import ConfigurationError, Problem, has_errors
from meshd.inject.settings import InjectSettings

STANDARD_INPUT = "-"
DEFAULT = InjectSettings()

Command = Callable[..., Any]

_OPTIONS = (
    click.option("--image", default=DEFAULT.image, show_default=True, help="Image of the sidecar."),
    click.option("--pull-policy", type=click.Choice(["Always", "IfNotPresent", "Never"]), default=None, help="When the image is fetched."),
    click.option("--pull-secret", "pull_secrets", multiple=True, metavar="NAME", help="Secret, in pods' namespaces, that the image is fetched with."),
    click.option("--revision", default=DEFAULT.revision, show_default=True, help="Revision whose labels (istio.io/rev) are this injector's."),
    click.option("--injector-namespace", default=DEFAULT.namespace, show_default=True, help="Namespace of the injector, which gets no sidecars."),
    click.option("--enable-by-default", is_flag=True, help="Namespaces without labels get sidecars too."),
    click.option("--hold-application", is_flag=True, help="Containers start when the sidecar is ready."),
    click.option("--native-sidecar", is_flag=True, help="Make it an init container that stays (Kubernetes 1.29)."),
    click.option("--no-dns", is_flag=True, help="Sidecars answer for no names."),
    click.option("--mesh", default="", metavar="FILE", help="A document of kind Mesh that every sidecar gets."),
)


def injection(command: Command) -> Command:
    """Give a command the options of an injector; they come as its argument `settings`."""

    @wraps(command)
    def with_settings(
        *arguments: Any, image: str, pull_policy: str | None, revision: str, injector_namespace: str, enable_by_default: bool, hold_application: bool,
        native_sidecar: bool, no_dns: bool, mesh: str, pull_secrets: tuple[str, ...], **options: Any,
    ) -> Any:
        more = read_mesh_file(mesh) if mesh else {}
        settings = InjectSettings(
            image=image, pull_policy=pull_policy or "", revision=revision, namespace=injector_namespace, enabled_by_default=enable_by_default,
            hold_application=hold_application, native_sidecar=native_sidecar, dns=not no_dns, mesh={**DEFAULT.mesh, **more},
            pull_secrets=pull_secrets,
        )
        return command(*arguments, settings=settings, **options)

    for option in reversed(_OPTIONS):
        with_settings = option(with_settings)
    return with_settings


def read_files(path: str) -> list[tuple[str, bytes]]:
    """
    Read a file, the files of a directory, or standard input: names and contents.

    Raises:
        ConfigurationError: If one cannot be read.
    """
    from meshd.sources.directory import read_contents

    if path == STANDARD_INPUT:
        return [("<stdin>", sys.stdin.buffer.read())]
    contents, problems = read_contents(path)
    if problems:
        raise ConfigurationError(str(problems[0]))
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    return [(os.path.join(folder, name), content) for name, content in contents.items()]


def read_mesh_file(path: str) -> Mapping[str, object]:
    """
    Read the fields of a `kind: Mesh` that sidecars get.

    Raises:
        ConfigurationError: If the file holds anything else, or has errors.
    """
    from meshd.model.kinds import read_resource
    from meshd.sources.documents import read_chunk, split

    documents = [document for file, content in read_files(path) for chunk in split(content, file) for document in read_chunk(chunk, file)]
    if len(documents) != 1 or documents[0].origin.kind != "Mesh":
        raise ConfigurationError(f"{path}: expected one document of kind Mesh, got something else")
    document = documents[0]
    problems: list[Problem] = [*document.problems, *read_resource(document.body, document.origin, document.lines)[1]]
    if has_errors(problems):
        raise ConfigurationError(str(problems[0]))
    spec = document.body.get("spec")
    return spec if isinstance(spec, dict) else {}
