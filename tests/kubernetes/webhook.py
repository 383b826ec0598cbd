"""A real `twistd meshd-webhook` beside a cluster, and meshctl as an operator runs it."""

import base64
import http.client
import os
import ssl
import subprocess
from pathlib import Path
from typing import Any

from tests.helpers.daemon import BIN, free_ports
from tests.helpers.source_tree import ROOT
from tests.kubernetes.cluster import Cluster, RefusedError
from tests.kubernetes.processes import Program

INJECTOR = "istio-sidecar-injector"
VALIDATOR = "meshd-validator-istio-system"
_HOOKS = "/apis/admissionregistration.k8s.io/v1"


class Webhook:
    """
    One webhook outside of the cluster.

    Attributes:
        url: Where the API server finds it.
        program: The process.
    """

    def __init__(self, cluster: Cluster, folder: Path, *options: str, kubeconfig: Path | None = None) -> None:
        """Choose a port; nothing runs yet."""
        self._cluster = cluster
        self._port, = free_ports(1)
        self.url = f"https://127.0.0.1:{self._port}/inject"
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "KUBECONFIG": str(kubeconfig or cluster.kubeconfig)}
        command = [str(BIN / "twistd"), "--nodaemon", "--pidfile=", "meshd-webhook", "--address", "127.0.0.1", "--port", str(self._port), *options]
        self.program = Program(command, folder / "webhook.log", self._environment)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.program.start()
        self.program.wait_until(lambda: self.ask("GET", "/ready")[0] == 200, "the webhook is ready")

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        """Make a call as anybody might, without looking at the certificate; status 0 where nobody answers."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=30, context=context)
        try:
            connection.request(method, path, body or None, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def meshctl(self, *words: str, stdin: str = "") -> str:
        """
        Run meshctl and give what it prints.

        Raises:
            RefusedError: If it fails.
        """
        return self.python("from meshd.cli.main import main; main(prog_name='meshctl')", *words, stdin=stdin)

    def python(self, script: str, *words: str, stdin: str = "") -> str:
        """
        Run a script that finds this checkout and the cluster, and give what it prints.

        Raises:
            RefusedError: If it fails.
        """
        command = [str(BIN / "python"), "-c", script, *words]
        ran = subprocess.run(command, input=stdin, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        if ran.returncode:
            raise RefusedError(f"{' '.join(words) or script}: {ran.stderr.strip()}")
        return ran.stdout

    def bundles(self) -> set[str]:
        """Give the authorities that the API server believes, PEM."""
        found: list[Any] = []
        for plural, name in (("mutatingwebhookconfigurations", INJECTOR), ("validatingwebhookconfigurations", VALIDATOR)):
            found += self._cluster.ask("GET", f"{_HOOKS}/{plural}/{name}")["webhooks"]
        return {base64.b64decode(one["clientConfig"].get("caBundle", "")).decode() for one in found}
