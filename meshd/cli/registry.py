"""Every command of meshctl; commands are imported when they are called, so that `meshctl --help` is quick."""

import attrs


@attrs.frozen
class Command:
    """
    Where a command is.

    Attributes:
        module: Module that holds it as `command`.
        help: Its line in `meshctl --help`.
        aliases: Further names, as istioctl has them.
    """

    module: str
    help: str
    aliases: tuple[str, ...] = ()


COMMANDS: dict[str, Command] = {
    "analyze": Command("meshd.cli.analyze", "Find what is likely to be a mistake in a configuration as a whole."),
    "capture": Command("meshd.cli.capture", "Divert connections to meshd, check that, or undo it."),
    "compile": Command("meshd.cli.compile", "Show what a configuration becomes: listeners, routes, clusters, endpoints."),
    "dns": Command("meshd.cli.dns", "Have a machine's own resolver ask meshd for the mesh's names, or undo it."),
    "explain": Command("meshd.cli.explain", "Tell what becomes of a call, and why."),
    "inject": Command("meshd.cli.inject", "Put a meshd sidecar into the pods of Kubernetes' workloads."),
    "proxy-config": Command("meshd.cli.proxy_config.command", "List what meshd serves with, as istioctl does.", ("pc",)),
    "registry": Command("meshd.cli.workload_registry", "Let machines register their workloads here."),
    "status": Command("meshd.cli.status", "Show how a running meshd and its workers are."),
    "validate": Command("meshd.cli.validate", "Check configuration files."),
    "wait": Command("meshd.cli.wait", "Wait until a meshd on this machine is ready."),
    "webhook": Command("meshd.cli.webhook", "Let a Kubernetes cluster ask meshd about pods and resources of the mesh."),
}
