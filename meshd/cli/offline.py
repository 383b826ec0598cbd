"""A configuration directory read and compiled without a running meshd, by the same pure code."""

import socket
from pathlib import Path

import attrs

from meshd.base.addresses import is_ip_address
from meshd.base.errors import Problem, has_errors
from meshd.base.origins import Origin
from meshd.base.places import CREDENTIALS
from meshd.cli.printing import finish, print_problems
from meshd.compile.compiler import compile_snapshot
from meshd.compile.proxy_configs import settled
from meshd.control.machine import machine_addresses
from meshd.model.kube_secret import KubeSecret
from meshd.model.node import Node
from meshd.model.node_choice import choose_node
from meshd.model.world import World
from meshd.snapshot.snapshot import Snapshot, secrets_wanted
from meshd.sources.directory import load_directory


@attrs.frozen
class Read:
    """A configuration for one machine, and what is wrong with it; `found` tells whether the machine could be told."""

    world: World
    node: Node
    problems: tuple[Problem, ...]
    found: bool


@attrs.frozen
class Compiled:
    """A machine, its snapshot, and everything that is wrong on the way to it."""

    node: Node
    snapshot: Snapshot
    problems: tuple[Problem, ...]
    world: World = attrs.field(repr=False)


def read_configuration(config_dir: str, wanted: str) -> Read:
    """Read a directory or file and choose the Node that `--node`, or this machine, is."""
    loaded = load_directory(config_dir)
    world = World().changed(loaded.resources)
    node, problems = choose_node(world.all(Node), wanted, socket.gethostname(), machine_addresses())
    return Read(world, settled(node, world), (*loaded.problems, *problems), not has_errors(problems))


def compile_configuration(config_dir: str, wanted: str) -> Compiled:
    """
    Read and compile a directory or file.

    Raises:
        Exit: If there is no Node of the wanted name: what another machine serves with would be no answer. The Problems have been printed then.
            An address that no Node has is a machine all the same, one without a Node.
    """
    read = read_configuration(config_dir, wanted)
    if wanted and not read.found and not is_ip_address(wanted):
        print_problems(read.problems)
        finish(True)
    compiled = compile_snapshot(read.world, read.node)
    snapshot = compiled.snapshot
    dangling = [Problem(Origin("compiler"), message, hint="report this as a bug") for message in snapshot.inconsistencies()]
    return Compiled(read.node, snapshot, (*read.problems, *compiled.problems, *dangling), read.world)


def with_secrets(compiled: Compiled, config_dir: str) -> Compiled:
    """Add the certificates that a snapshot names, read from the files and Secrets that a running meshd would read, and what is wrong with them."""
    from meshd.sources.secret_files import SecretFiles

    files = SecretFiles(
        str(Path(config_dir).absolute() / CREDENTIALS), namespace=compiled.snapshot.node.namespace,
        find_secret=lambda namespace, name: compiled.world.get(KubeSecret, namespace, name),
    )
    found = files.find(secrets_wanted(compiled.snapshot))
    return attrs.evolve(compiled, snapshot=attrs.evolve(compiled.snapshot, secrets=found), problems=(*compiled.problems, *files.problems))
