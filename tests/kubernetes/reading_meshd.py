"""A meshd that reads an API server, and services for it to read."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.helpers.daemon import BIN, Daemon, daemon_folder
from tests.helpers.waiting import wait_for

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: default}
spec: {ports: [{name: http, port: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: NAME-1, namespace: default, labels: {kubernetes.io/service-name: NAME}}
endpoints: [{addresses: [ADDRESS]}]
ports: [{name: http, port: 8080}]
"""

def service(name: str, address: str = "10.9.9.9") -> str:
    """Give a Service with one endpoint."""
    return SERVICE.replace("NAME", name).replace("ADDRESS", address)


class Meshd(Daemon):
    """A meshd that reads an API server."""

    def read(self, kubeconfig: Path, source: str = "kubernetes") -> None:
        """Have its Node say so."""
        node = yaml.safe_load((self.config / "node.yaml").read_text())
        node["spec"] |= {"source": yaml.safe_load(source), "kubernetes": {"kubeconfig": str(kubeconfig)}}
        self.write("node.yaml", yaml.safe_dump(node))

    def source(self, key: str) -> object:
        """Tell one thing of how reading goes."""
        return ((self.status().get("sources") or {}).get("kubernetes") or {}).get(key)

    def meshctl(self, command: str, *options: str) -> str:
        """Ask it by meshctl."""
        words = [str(BIN / "meshctl"), command, "--run-dir", str(self.folder / "run"), *options]
        return subprocess.run(words, capture_output=True, text=True, env=self.environment(), check=True).stdout

    def wait_for_state(self, state: str) -> None:
        """Wait until the source is in a state."""
        wait_for(lambda: self.source("state") == state, f"the source is {state}")

    def endpoints(self, name: str) -> list[str] | None:
        """Give the addresses behind a service; None where there is no such cluster."""
        found = (self.page("/snapshot") or {}).get("endpoints", [])
        named = [one for one in found if one["clusterName"] == f"outbound|8080||{name}.default.svc.cluster.local"]
        return [
            endpoint["endpoint"]["address"]["socketAddress"]["address"]
            for one in named for locality in one.get("endpoints", []) for endpoint in locality.get("lbEndpoints", [])
        ] if named else None

    def wait_for_endpoints(self, name: str, expected: list[str] | None, seconds: float = 30.0) -> None:
        """Wait until a service has some endpoints, and every worker has acknowledged them."""
        wait_for(lambda: self.endpoints(name) == expected and self.is_acknowledged(), f"{name} has {expected}", seconds)

    def is_acknowledged(self) -> bool:
        """Tell whether every worker serves with what it is wanted to."""
        return all(worker["acknowledged"] == worker["wanted"] for worker in self.status().get("workers", ()))

    def has_slow_route(self, name: str) -> bool:
        """Tell whether a service's route has the timeout of its VirtualService."""
        hosts = [host for route in (self.page("/snapshot") or {}).get("routes", []) for host in route.get("virtualHosts", [])]
        return any(
            route.get("route", {}).get("timeout") == "7s"
            for host in hosts if host["name"].startswith(f"{name}.default") for route in host.get("routes", [])
        )


@contextmanager
def reading_meshd(workers: int = 1) -> Iterator[Meshd]:
    """Give a meshd that does not run yet; nothing of it stays."""
    with daemon_folder(workers, Meshd) as found:
        assert isinstance(found, Meshd)
        yield found
