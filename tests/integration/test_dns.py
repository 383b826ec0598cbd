"""Names on a captured machine: the mesh's are answered by the workers, the rest by the machine's name server, and afterwards all is as before."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import dns_program
from tests.helpers.captured_host import ADDRESSES, Machine, two_machines
from tests.helpers.command_line import meshctl
from tests.helpers.daemon import Daemon, daemon_folder
from tests.helpers.waiting import wait_for

HOST, NEIGHBOUR = (ADDRESSES[role][0] for role in ("host", "neighbour"))
ELSEWHERE = dns_program.ELSEWHERE
BACKENDS = ("nftables", "iptables-nft", "iptables-legacy")
WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.96.0.7, ports: [{name: http, port: 80}]}
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not all(map(shutil.which, BACKENDS[1:])), reason="needs root, to capture in a namespace")


def ask(machine: Machine, name: str, kind: str = "A", protocol: str = "udp", server: str = NEIGHBOUR) -> str:
    """Ask from a machine, as an application does."""
    return machine.run([sys.executable, dns_program.__file__, "ask", server, name, kind, protocol]).output.strip()


@contextmanager
def name_server(machine: Machine, address: str = NEIGHBOUR) -> Iterator["subprocess.Popen[str]"]:
    """Run a name server that knows nothing of the mesh."""
    command = ["ip", "netns", "exec", machine.name, sys.executable, dns_program.__file__, "serve", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    """A machine, and a neighbour that is its name server."""
    with two_machines() as (host, neighbour), name_server(neighbour):
        yield host, neighbour


@contextmanager
def resolv_conf(machine: Machine, text: str) -> Iterator[Path]:
    """Give a machine an /etc/resolv.conf of its own (ip-netns(8))."""
    folder = Path("/etc/netns", machine.name)
    folder.mkdir(parents=True)
    try:
        path = folder / "resolv.conf"
        path.write_text(text)
        yield path
    finally:
        shutil.rmtree(folder)


@contextmanager
def resolving(host: Machine, backend: str = "nftables", servers: str = NEIGHBOUR) -> Iterator[Daemon]:
    """Run meshd on a machine."""
    with daemon_folder() as daemon:
        write_configuration(daemon, backend, servers)
        daemon.start(prefix=("ip", "netns", "exec", host.name))
        yield daemon
        if daemon.process is not None:
            daemon.stop()


def write_configuration(daemon: Daemon, backend: str, servers: str) -> None:
    """Write a Node that resolves names, and a service; without `servers` those of the machine are asked."""
    ports = ", ".join(f"{name}: {port}" for name, port in daemon.ports.items())
    daemon.write("node.yaml", f"""
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: n1}}
spec:
  addresses: [{HOST}]
  workers: 2
  ports: {{{ports}}}
  capture: {{backend: {backend}}}
  dns: {{enabled: true, servers: [{servers}]}}
""")
    daemon.write("web.yaml", WEB)


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_of_the_mesh_and_others(machines, backend):
    """By UDP and TCP, whichever way the kernel is told; once meshd has gone, the name server is asked directly."""
    host, _ = machines
    with resolving(host, backend):
        questions = [("web", "A"), ("web.default.svc.cluster.local", "A"), ("ext.test", "A"), ("gone.test", "A"), ("7.0.96.10.in-addr.arpa", "PTR")]
        expected = ["0 A 10.96.0.7", "0 A 10.96.0.7", f"0 A {ELSEWHERE}", "3", "0 PTR web.default.svc.cluster.local"]
        for protocol in ("udp", "tcp"):
            assert expected == [ask(host, name, kind, protocol) for name, kind in questions]
        assert "target=web.default.svc.cluster.local port=80 ttl=30" in ask(host, "_http._tcp.web.default.svc.cluster.local", "SRV")
    assert ["3", f"0 A {ELSEWHERE}"] == [ask(host, name) for name in ("web", "ext.test")]
    assert "meshd" not in host.rules().lower()


def test_names_resolve_while_others_are_away(machines):
    """New services are known at once; a killed control plane and a dead name server take nothing away that was known."""
    host, _ = machines
    with resolving(host) as daemon:
        daemon.write("new.yaml", WEB.replace("web", "new").replace("0.7", "0.8"))
        wait_for(lambda: ask(host, "new") == "0 A 10.96.0.8", "the new service resolves")
        daemon.kill()
        assert ["0 A 10.96.0.7", f"0 A {ELSEWHERE}"] == [ask(host, name) for name in ("web", "ext.test")]
    host.must("nft delete table inet meshd")  # a crash keeps it


def test_another_name_server_of_the_machine_is_followed(machines):
    """Rules and workers go to it while both run; the machine's file is read and nothing else, and the rules are gone in the end."""
    host, neighbour = machines
    other = NEIGHBOUR.replace(".2", ".3")
    neighbour.must(f"ip address add {other}/24 dev eth0")
    before = host.rules()
    with name_server(neighbour, other), resolv_conf(host, f"nameserver {NEIGHBOUR}\n") as path, resolving(host, servers="") as daemon:
        assert ["0 A 10.96.0.7", "3"] == [ask(host, "web", server=server) for server in (NEIGHBOUR, other)]
        text = f"search corp.test\nnameserver {other}\n"
        path.write_text(text)
        wait_for(lambda: ask(host, "web", server=other) == "0 A 10.96.0.7", "questions to the other server are captured")
        assert ["3", f"0 A {ELSEWHERE}"] == [ask(host, "web"), ask(host, "ext.test", server=other)]
        wait_for(lambda: "0 CNAME web A 10.96.0.7" == ask(host, "web.corp.test", server=other), "the search domain is known")
        daemon.stop()
        assert (text, before) == (path.read_text(), host.rules())


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="needs dnsmasq")
def test_dnsmasq_asks_meshd_for_the_names_of_the_mesh(machines, tmp_path):
    """By the file that `meshctl dns` writes and takes away; nothing is diverted, and others' names are asked of others."""
    host, _ = machines
    (tmp_path / "etc" / "dnsmasq.d").mkdir(parents=True)
    with daemon_folder() as daemon:
        write_configuration(daemon, "nftables", "")
        node = (daemon.config / "node.yaml").read_text()
        daemon.write("node.yaml", node.replace("dns: {enabled: true, servers: []}", "dns: {enabled: true, meshOnly: true}"))
        daemon.start(prefix=("ip", "netns", "exec", host.name))
        assert "redirect to :15053" not in host.rules()
        asked = ("web", "web.default.svc.cluster.local", "ext.test", "gone.svc.cluster.local")

        def answers() -> list[str]:
            with dnsmasq(host, tmp_path):
                return [ask(host, name, server="127.0.0.1") for name in asked]

        before = answers()
        meshctl("dns", "install", "--for", "dnsmasq", "--config-dir", str(daemon.config), "--root", str(tmp_path))
        assert ["0 A 10.96.0.7", "0 A 10.96.0.7", f"0 A {ELSEWHERE}", "5"] == answers()
        meshctl("dns", "remove", "--root", str(tmp_path))
        assert (before, []) == (answers(), list((tmp_path / "etc" / "dnsmasq.d").iterdir()))


@contextmanager
def dnsmasq(machine: Machine, root: Path) -> Iterator[None]:
    """Run dnsmasq as a machine's own resolver, with the drop-ins below a folder."""
    options = ("--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--bind-interfaces", "--user=root", "--pid-file=")
    places = ("--listen-address=127.0.0.1", f"--server={NEIGHBOUR}", f"--conf-dir={root / 'etc' / 'dnsmasq.d'}")
    with subprocess.Popen(["ip", "netns", "exec", machine.name, "dnsmasq", *options, *places]) as process:
        try:
            wait_for(lambda: f"0 A {ELSEWHERE}" == ask(machine, "ext.ready", server="127.0.0.1"), "dnsmasq answers")
            yield
        finally:
            process.terminate()
