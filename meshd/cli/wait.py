"""`meshctl wait`: until a meshd on this machine is ready."""

import http.client
import time

import click

from meshd.cli import options
from meshd.cli.printing import finish
from meshd.model.node import Ports

PAUSE = 0.1  # seconds between two questions
PATIENCE = 1.0  # seconds for one answer
PATH = "/healthz/ready"


@click.command(epilog=options.examples("meshctl wait", "meshctl wait --timeout 10 && ./start-my-application"))
@click.option("--port", default=Ports().health, show_default=True, type=click.IntRange(1, 65535), help="Its health port (ports.health of its Node).")
@click.option("--timeout", default=60.0, show_default=True, type=click.FloatRange(0.0, 86400.0), help="Seconds to wait at most.")
def command(port: int, timeout: float) -> None:
    """
    Wait until a meshd on this machine serves.

    What must not start without the mesh calls it first: in a pod, Kubernetes does so before the other containers where they are to wait.
    Exit status 1 if it is not ready in time.
    """
    until = time.monotonic() + timeout
    while not (said := ask(port)):
        if time.monotonic() + PAUSE > until:
            click.echo(f"meshctl: no meshd is ready on port {port} after {timeout:g} s", err=True)
            finish(True)
        time.sleep(PAUSE)
    finish(not said)


def ask(port: int) -> bool:
    """Ask once whether a meshd is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", PATH)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
