"""Probes of containers, as kubelet makes them: from the machine, or in the container."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

Json = dict[str, Any]


class Probe:
    """
    One probe of one container.

    Attributes:
        passing: What it says now; without a probe, what was assumed.
    """

    def __init__(self, wanted: Json | None, assumed: bool, ports: Json, run: Callable[[Sequence[str], float], int]) -> None:
        """
        Take what a container says.

        Args:
            wanted: Of the container; None: it has none.
            assumed: Passing before the first time, and for ever where there is no probe.
            ports: Of the container, by name.
            run: Runs a command in the container and gives its exit status.
        """
        self._wanted = wanted
        self._ports = ports
        self._run = run
        self.passing = assumed
        self._row = 0  # looks in a row that said otherwise
        delay = wanted.get("initialDelaySeconds", 0) if wanted else 0
        self._due = time.monotonic() + delay if wanted else float("inf")

    def look(self, address: str) -> None:
        """Probe if it is time to."""
        if time.monotonic() < self._due or self._wanted is None:
            return
        well = self._ask(self._wanted, address)
        self._row = 0 if well == self.passing else self._row + 1
        if self._row >= self._wanted["successThreshold" if well else "failureThreshold"]:
            self.passing, self._row = well, 0
        self._due = time.monotonic() + self._wanted.get("periodSeconds", 10)

    def _ask(self, wanted: Json, address: str) -> bool:
        seconds = float(wanted.get("timeoutSeconds", 1))
        try:
            if "exec" in wanted:
                return self._run(wanted["exec"]["command"], seconds) == 0
            if "tcpSocket" in wanted:
                socket.create_connection((address, self._port(wanted["tcpSocket"])), seconds).close()
                return True
            return self._get(wanted["httpGet"], address, seconds)
        except (OSError, http.client.HTTPException):
            return False

    def _get(self, wanted: Json, address: str, seconds: float) -> bool:
        port = self._port(wanted)
        if wanted.get("scheme") == "HTTPS":
            # as kubelet: who answers need not prove who it is
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                address, port, timeout=seconds, context=ssl._create_unverified_context(),
            )
        else:
            connection = http.client.HTTPConnection(address, port, timeout=seconds)
        try:
            connection.request("GET", wanted.get("path", "/"), headers={"User-Agent": "kube-probe/1.36"})
            return 200 <= connection.getresponse().status < 400
        finally:
            connection.close()

    def _port(self, wanted: Json) -> int:
        port: int | str = wanted["port"]
        return int(self._ports.get(str(port), port))
