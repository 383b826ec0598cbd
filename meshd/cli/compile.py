"""`meshctl compile`: a configuration as Envoy's resources."""

from pathlib import Path

import click

from meshd.base.addresses import SocketAddress
from meshd.base.errors import has_errors
from meshd.base.places import CREDENTIALS
from meshd.cli import options
from meshd.cli.printing import finish, print_object, print_problems


@click.command(epilog=options.examples(
    "meshctl compile --config-dir ./mesh --node web-1",
    "meshctl compile --node 10.0.0.7 -o yaml",
    "meshctl compile -o envoy > envoy.json && envoy -c envoy.json",
))
@options.config_dir
@options.node
@options.output("json", "yaml", "envoy", default="json")
def command(config_dir: str, node: str, form: str) -> None:
    """
    Show what a configuration becomes for one machine.

    Prints one object with the keys node, listeners, routes, clusters, endpoints, secrets (in Envoy's v3 JSON, as istioctl prints it) and problems.
    With `-o envoy`, prints a complete static bootstrap that a real Envoy serves with; its admin pages are where the Node has meshd's, and it reads
    certificates from their files. No running meshd is asked and nothing is changed.
    """
    from meshd.cli.offline import compile_configuration
    from meshd.snapshot.envoy_bootstrap import CertificateFiles
    from meshd.snapshot.envoy_json import bootstrap, to_json

    compiled = compile_configuration(config_dir, node)
    print_problems(compiled.problems)
    if form == "envoy":
        address = compiled.node.admin_address
        admin = SocketAddress(address, compiled.node.ports.admin) if address else None
        print_object(bootstrap(compiled.snapshot, admin, CertificateFiles(str(Path(config_dir).absolute() / CREDENTIALS))), "json")
    else:
        print_object({**to_json(compiled.snapshot), "problems": [problem.to_json() for problem in compiled.problems]}, form)
    finish(has_errors(compiled.problems))
