"""A cluster without nodes: etcd, a real kube-apiserver and a real kube-controller-manager on loopback, and kubectl to speak to them."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.certificates import Authority
from tests.helpers.daemon import free_ports
from tests.helpers.waiting import wait_for
from tests.kubernetes.building import binary
from tests.kubernetes.processes import Program

SEARCH_PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
KUBECTL_SECONDS = 150  # that a command may take, such as one that waits
ADMIN_TOKEN = "admin-token"
SERVICE_RANGE = "10.104.0.0/16"
API_SERVICE = "10.104.0.1"  # the first of the range is the service `kubernetes`
CONTROLLERS = (
    "endpointslice-controller", "endpoints-controller", "namespace-controller", "serviceaccount-controller", "replicaset-controller",
    "deployment-controller", "garbage-collector-controller", "root-ca-certificate-publisher-controller",
)


class RefusedError(AssertionError):
    """The API server, or kubectl, did not do what a test needs of it."""


@contextmanager
def running_cluster(folder: Path, address: str = "127.0.0.1") -> "Iterator[Cluster]":
    """
    Give a cluster that runs; nothing of it runs afterwards.

    Raises:
        RefusedError: If its programs were not built.
    """
    if not binary().exists():
        raise RefusedError(f"{binary()} is missing; `make test-kubernetes` builds it")
    cluster = Cluster(binary(), folder, address)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Cluster:
    """
    One cluster, its state below a folder.

    There is neither a scheduler nor a kubelet: pods stay pending unless a test binds them and tells their status.

    Attributes:
        folder: Everything of it.
        server: The API server's URL.
        port: Its port.
        authority: Who signs its certificate, and client certificates that it believes in (common name: user, organization: group `meshd`).
        kubeconfig: The administrator's.
    """

    def __init__(self, program: Path, folder: Path, address: str = "127.0.0.1") -> None:
        """
        Write certificates and tokens; nothing runs yet.

        Args:
            program: What `tests.kubernetes.building` built.
            folder: Empty.
            address: Where the API server listens.
        """
        self.folder = folder
        self.authority = Authority("kubernetes")
        self._trusted = ssl.create_default_context(cadata=self.authority.chain)
        self._address = address
        self._etcd_port, self._etcd_peer_port, self.port, self._controllers_port = free_ports(4)
        self.server = f"https://{address}:{self.port}"
        self.authority.write(folder, "authority")
        self.authority.issue(address, "localhost", "kubernetes.default.svc", API_SERVICE).write(folder, "server")
        self.authority.issue("service-accounts").write(folder, "accounts")
        (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,1,"system:masters"\n')
        self.kubeconfig = self.write_kubeconfig("admin", token=ADMIN_TOKEN)
        environment = {"PATH": SEARCH_PATH, "HOME": str(folder)}
        self._etcd = Program(self._etcd_command(), folder / "etcd.log", environment)
        self._api_server = Program([str(program), *self._api_server_options()], folder / "apiserver.log", environment)
        self._controllers = Program([str(program), *self._controllers_options()], folder / "controllers.log", environment)

    def start(self) -> None:
        """Start all three and wait until the API server serves and pods can be made in the namespace `default`."""
        self._etcd.start()
        self.start_api_server()
        self._controllers.start()
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._controllers.wait_until(lambda: self._ask("GET", account)[0] == 200, "the controllers make service accounts")

    def stop(self) -> None:
        """End all three; their state is of no more use."""
        for program in (self._controllers, self._api_server, self._etcd):
            program.stop()

    def pids(self) -> list[int]:
        """Give the processes that run."""
        return [program.pid for program in (self._etcd, self._api_server, self._controllers) if program.pid]

    def start_api_server(self) -> None:
        """Start the API server, where it was last, and wait until it serves."""
        self._api_server.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the API server serves."""
        self._api_server.wait_until(self.is_ready, "kube-apiserver is ready")

    def stop_api_server(self, kindly: bool = False) -> None:
        """End the API server: at once, so that connections are lost; or kindly, so that it ends watches first."""
        self._api_server.stop(kindly)

    def restart_api_server(self) -> None:
        """End the API server and start it again: what it remembers of the past is what etcd still has."""
        self.stop_api_server()
        self.start_api_server()

    def is_ready(self) -> bool:
        """Tell whether the API server serves."""
        return self._ask("GET", "/readyz")[0] == 200

    def compact(self) -> int:
        """
        Make etcd forget all but the present, and give its revision.

        The API server has events of its own in memory: an old resourceVersion is answered with 410 after `restart_api_server` only.
        """
        revision = int(self._ask_etcd("/v3/maintenance/status", {})["header"]["revision"])
        self._ask_etcd("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def kubectl(self, *words: str, stdin: str = "", kubeconfig: Path | None = None) -> str:
        """
        Run kubectl as administrator, or with another kubeconfig, and give what it prints.

        Raises:
            RefusedError: If it fails.
        """
        environment = {"PATH": SEARCH_PATH, "HOME": str(self.folder), "KUBECONFIG": str(kubeconfig or self.kubeconfig)}
        ran = subprocess.run(["kubectl", *words], input=stdin, env=environment, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=False)
        if ran.returncode:
            raise RefusedError(f"kubectl {' '.join(words)}: {ran.stderr.strip()}")
        return ran.stdout

    def apply(self, *documents: str) -> None:
        """Create or change what YAML documents say."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin="\n---\n".join(documents))

    def define(self, definitions: str) -> None:
        """Apply CustomResourceDefinitions, and wait until the API server serves all that it has."""
        self.apply(definitions)

        def established() -> bool:
            found = self.ask("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
            conditions = [kind.get("status", {}).get("conditions") or () for kind in found]
            return all(("Established", "True") in {(one["type"], one["status"]) for one in of_kind} for of_kind in conditions)

        wait_for(established, "the kinds are served")

    def ask(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        """
        Make one call as administrator and give the answer.

        Args:
            method: Of HTTP.
            path: With query.
            body: Sent as JSON; None sends nothing.
            kind: Of the body: patches have other ones.

        Raises:
            RefusedError: If the status is not 2xx.
        """
        status, answer = self._ask(method, path, body, kind)
        if not 200 <= status < 300:
            raise RefusedError(f"{method} {path}: {status} {answer.get('message', '') if isinstance(answer, dict) else answer}")
        return answer

    def watch(self, path: str, version: str) -> Iterator[Any]:
        """
        Give what happens at a path of the API server after a resourceVersion, until the API server ends it.

        Raises:
            RefusedError: If it cannot be watched from there.
        """
        connection = self._connect(None)
        try:
            connection.request("GET", f"{path}?watch=1&resourceVersion={version}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise RefusedError(f"watching {path}: {answer.status}")
            for line in answer:
                yield json.loads(line)
        except (OSError, http.client.HTTPException) as error:
            raise RefusedError(f"watching {path}: {error}") from error
        finally:
            connection.close()

    def service_account(self, name: str, rules: Sequence[Mapping[str, Sequence[str]]] = (), namespace: str = "default") -> str:
        """
        Make a service account that may do what `rules` of a ClusterRole say and nothing else, and give a token for it.

        Its token lives for an hour.
        """
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"{namespace}-{name}"}
        rbac, named = {"apiVersion": "rbac.authorization.k8s.io/v1"}, {"metadata": {"name": role["name"]}}
        made = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}},
            {**rbac, "kind": "ClusterRole", **named, "rules": list(rules)},
            {**rbac, "kind": "ClusterRoleBinding", **named, "subjects": [subject], "roleRef": role},
        ]
        self.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
        return self.token(name, namespace)

    def token(self, name: str, namespace: str = "default", seconds: int = 3600) -> str:
        """Give a token for a service account that exists; 600 seconds is the least that Kubernetes gives."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}
        return str(self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", request)["status"]["token"])

    def write_kubeconfig(self, name: str, **credentials: object) -> Path:
        """Write a kubeconfig for a user with what a kubeconfig calls credentials, such as `token`; its context is called like the user."""
        authority = base64.b64encode(self.authority.chain.encode()).decode()
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": "cluster", "cluster": {"server": self.server, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": credentials}],
            "contexts": [{"name": name, "context": {"cluster": "cluster", "user": name}}],
        }))
        return path

    def _etcd_command(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        return [
            "etcd", f"--data-dir={self.folder / 'etcd'}", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}", "--unsafe-no-fsync",
        ]

    def _api_server_options(self) -> list[str]:
        at = self.folder
        return [
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self._etcd_port}", f"--bind-address={self._address}", f"--secure-port={self.port}",
            f"--tls-cert-file={at / 'server.crt'}", f"--tls-private-key-file={at / 'server.key'}", f"--client-ca-file={at / 'authority.crt'}",
            f"--cert-dir={at / 'made'}", f"--service-account-key-file={at / 'accounts.crt'}",
            f"--service-account-signing-key-file={at / 'accounts.key'}",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--token-auth-file={at / 'tokens.csv'}", "--authorization-mode=RBAC", "--endpoint-reconciler-type=none", "--profiling=false",
            "--enable-aggregator-routing",  # webhooks are asked at their pods' addresses: nothing here serves addresses of services
        ]

    def _controllers_options(self) -> list[str]:
        at, config = self.folder, self.kubeconfig
        return [
            "kube-controller-manager", f"--kubeconfig={config}", f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}",
            f"--service-account-private-key-file={at / 'accounts.key'}", f"--root-ca-file={at / 'authority.crt'}", "--bind-address=127.0.0.1",
            f"--secure-port={self._controllers_port}", f"--cert-dir={at / 'made-controllers'}", "--leader-elect=false", "--profiling=false",
            f"--controllers={','.join(CONTROLLERS)}",
        ]

    def _connect(self, seconds: float | None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._address, self.port, timeout=seconds, context=self._trusted)

    def _ask(self, method: str, path: str, body: object = None, kind: str = "application/json") -> tuple[int, Any]:
        """Give status and answer, as JSON where it is; status 0 where nobody answers."""
        connection = self._connect(30)
        sent = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, sent, {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": kind, "Accept": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if answer.headers.get_content_type() == "application/json" else text.decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def _ask_etcd(self, path: str, body: object) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._etcd_port, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise RefusedError(f"etcd: {path}: {answer.status} {text}")
        return json.loads(text)
