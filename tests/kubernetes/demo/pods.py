"""The pods of the walk: what kubectl tells of them, what their sidecars log, what meshctl says in them."""

import json
import re
from typing import Any

from tests.demo.walk import UnexpectedError, say
from tests.helpers.waiting import wait_for
from tests.kubernetes.cluster import Cluster, RefusedError

SIDECAR = "istio-proxy"
START = 120.0  # seconds for pods to become ready; three sidecars are a dozen processes that start at once
ACCESS_LINE = re.compile(r"\[\d{4}-")  # twistd's own lines begin with the year


class Pod:
    """
    A pod with a sidecar.

    Attributes:
        name: Its own.
        address: Its address.
    """

    def __init__(self, cluster: Cluster, name: str, address: str) -> None:
        """Start with what its access log holds."""
        self.name = name
        self.address = address
        self._cluster = cluster
        self._seen = 0
        self.skip()

    def skip(self) -> None:
        """Leave out what the access log holds so far."""
        self._seen = len(self._lines())

    def take(self, count: int = 1) -> list[str]:
        """
        Wait for so many new lines of the access log, and give all new ones.

        Raises:
            NotInTimeError: If there are fewer.
        """
        wait_for(lambda: len(self._lines()) >= self._seen + count, f"{count} line(s) of the access log of {self.name}")
        found = self._lines()[self._seen :]
        self._seen += len(found)
        return found

    def run(self, *command: str, container: str = "", stdin: str = "") -> str:
        """Run a command in its first container, or in another one, and give what it prints; `kubectl exec` says what goes wrong."""
        words = ["exec", *(["-i"] if stdin else []), self.name, *(["-c", container] if container else []), "--", *command]
        return self._cluster.kubectl(*words, stdin=stdin)

    def meshctl(self, *words: str) -> str:
        """Run meshctl in its sidecar, and give what it prints."""
        try:
            return self.run("meshctl", *words, container=SIDECAR)
        except RefusedError as error:
            raise UnexpectedError(str(error)) from error

    def proxy_config(self, *words: str) -> list[dict[str, Any]]:
        """Give a view of `meshctl proxy-config` as JSON."""
        return list(json.loads(self.meshctl("proxy-config", *words, "-o", "json")))

    def show(self, *words: str) -> list[str]:
        """Print a view of `meshctl proxy-config` as a table, and give its rows."""
        say(f"    # kubectl exec {self.name} -c {SIDECAR} -- meshctl proxy-config {' '.join(words)}")
        rows = self.rows(*words)
        for row in rows:
            say(f"        {row}")
        return rows[1:]

    def rows(self, *words: str) -> list[str]:
        """Give a view of `meshctl proxy-config` as a table, its head first."""
        return [row.strip() for row in self.meshctl("proxy-config", *words).splitlines()]

    def wait_for_cluster(self, name: str, present: bool) -> None:
        """Wait until its sidecar serves a cluster, or no more."""
        wait_for(
            lambda: present == any(found["name"] == name for found in self.proxy_config("cluster")),
            f"{self.name}: {name} is {'there' if present else 'gone'}",
        )

    def _lines(self) -> list[str]:
        return [line for line in self._cluster.kubectl("logs", self.name, "-c", SIDECAR).splitlines() if ACCESS_LINE.match(line)]


def find_pods(cluster: Cluster, app: str, count: int) -> list[Pod]:
    """Wait until so many pods of an app are ready, all of their containers, and give them in the order of their addresses."""
    def ready() -> list[dict[str, Any]]:
        items = cluster.ask("GET", f"/api/v1/namespaces/default/pods?labelSelector=app%3D{app}")["items"]
        alive = [pod for pod in items if not pod["metadata"].get("deletionTimestamp")]
        return [pod for pod in alive if {"type": "Ready", "status": "True"}.items() <= _condition(pod).items()]

    wait_for(lambda: len(ready()) == count, f"{count} pods of {app} are ready", START)
    found = sorted(ready(), key=lambda pod: [int(part) for part in pod["status"]["podIP"].split(".")])
    return [Pod(cluster, pod["metadata"]["name"], pod["status"]["podIP"]) for pod in found]


def _condition(pod: dict[str, Any]) -> dict[str, Any]:
    return next((dict(one) for one in pod["status"].get("conditions", ()) if one["type"] == "Ready"), {})
