"""Machines that register at a real API server, with a service account that may do no more than that needs."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.helpers.daemon import Daemon, daemon_folder, free_ports
from tests.helpers.registering import GROUP, application
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for

ENTRIES = "/apis/networking.istio.io/v1/namespaces/{}/workloadentries"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


class Machines:
    """
    Machines of one WorkloadGroup.

    Attributes:
        app: Port of their application.
    """

    def __init__(self, stack: contextlib.ExitStack, cluster: Any, namespace: str) -> None:
        """Make the group, and a service account with the rules that the documentation gives."""
        self._stack = stack
        self._cluster = cluster
        self._namespace = namespace
        [self.app] = free_ports(1)
        cluster.apply(GROUP.replace("APP", str(self.app)).replace("PERIOD", "1").replace("namespace: shop", f"namespace: {namespace}"))
        role = next(found for found in _documents() if found["kind"] == "Role")
        token = cluster.service_account("machines", role["rules"], namespace)
        self._kubeconfig = cluster.write_kubeconfig(f"machines-{namespace}", token=token)

    def machine(self, address: str) -> Daemon:
        """Start a machine."""
        daemon = self._stack.enter_context(daemon_folder())
        ports = ", ".join(f"{name}: {port}" for name, port in daemon.ports.items())
        daemon.write("node.yaml", f"""
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: 'm{address}'}}
spec:
  namespace: {self._namespace}
  addresses: [{address}]
  workers: 1
  ports: {{{ports}}}
  capture: {{enabled: false}}
  registry: {{kubernetes: true, group: web}}
""")
        self.start(daemon)
        return daemon

    def start(self, daemon: Daemon) -> None:
        """Start a machine again."""
        daemon.start(prefix=("env", f"KUBECONFIG={self._kubeconfig}"))

    def entries(self) -> dict[str, str]:
        """Give what is said of the health of each, by address; empty where nothing is."""
        found = {}
        for entry in self._cluster.ask("GET", ENTRIES.format(self._namespace))["items"]:
            conditions = (entry.get("status") or {}).get("conditions") or []
            found[entry["spec"]["address"]] = next((one["status"] for one in conditions if one["type"] == "Healthy"), "")
        return found

    def leases(self) -> list[str]:
        """Name the leases."""
        return [lease["metadata"]["name"] for lease in self._cluster.ask("GET", LEASES.format(self._namespace))["items"]]


def _documents() -> list[dict[str, Any]]:
    """Give the documents of the page about registration."""
    blocks = (ROOT / "docs" / "registry.md").read_text().split("```yaml\n")[1:]
    return [found for block in blocks for found in yaml.safe_load_all(block.partition("```")[0])]


@pytest.fixture
def machines(cluster: Any, namespace: str) -> Iterator[Machines]:
    """A group in a namespace."""
    with contextlib.ExitStack() as stack:
        yield Machines(stack, cluster, namespace)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as meshd does")
def test_machines_come_and_go(machines):
    """With their health; whoever stops says goodbye, and its lease goes with its entry."""
    first = machines.machine("127.0.0.1")
    wait_for(lambda: machines.entries() == {"127.0.0.1": "False"}, "the entry of a machine whose application is away")
    with application(machines.app) as process:
        wait_for(lambda: machines.entries() == {"127.0.0.1": "True"}, "the machine to be well")
        process.kill()
        process.wait(10)
        began = time.monotonic()
        wait_for(lambda: machines.entries() == {"127.0.0.1": "False"}, "the machine to be not well")
        assert time.monotonic() - began < 2.0
    first.stop()
    assert {} == machines.entries()
    wait_for(lambda: not machines.leases(), "the lease to go")


def test_a_machine_that_died_is_removed_by_the_others(machines):
    """Once its lease has not been renewed; one that comes back before that stays, and so does everybody while the API server restarts."""
    first, second = machines.machine("127.0.0.1"), machines.machine("127.0.0.2")
    wait_for(lambda: set(machines.entries()) == {"127.0.0.1", "127.0.0.2"}, "both to register")
    first.kill()
    machines.start(first)
    machines._cluster.restart_api_server()
    wait_for(lambda: set(machines.entries()) == {"127.0.0.1", "127.0.0.2"}, "both to be there")
    second.kill()
    wait_for(lambda: set(machines.entries()) == {"127.0.0.1"}, "the dead one to be removed", 60.0)
    assert "web-127.0.0.1" in (first.status()["registry"]["joined"]["name"] or "")
