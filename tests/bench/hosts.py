"""The bench's machines: a web server and one client machine for each proxy, as network namespaces on one bridge."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

SERVER = "10.77.0.2"
SERVER_PORT = 9080
SERVICE = "10.104.15.140"

_NGINX = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen {port} backlog=4096; listen [::]:{port}; location / {{ root {folder}/www; }} }}
}}
"""


@attrs.frozen
class Host:
    """
    One network namespace.

    Attributes:
        name: Of the namespace.
        address: Its IPv4 address.
    """

    name: str
    address: str

    @property
    def enter(self) -> list[str]:
        """The command that runs another one inside."""
        return ["ip", "netns", "exec", self.name]


def run(*command: str) -> None:
    """
    Run a command that must succeed.

    Raises:
        RuntimeError: With what it printed, if it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


@contextlib.contextmanager
def bench_hosts(names: tuple[str, ...]) -> Iterator[tuple[Host, dict[str, Host]]]:
    """
    Make the server's machine and one for each name; all are gone afterwards.

    Yields:
        The server, and the client machines by name.
    """
    prefix = f"mb{os.getpid()}"
    server = Host(f"{prefix}-server", SERVER)
    clients = {name: Host(f"{prefix}-{name}", f"10.77.0.{10 + number}") for number, name in enumerate(names)}
    hosts = [server, *clients.values()]
    with contextlib.ExitStack() as undo:
        hub = f"{prefix}-hub"
        run("ip", "netns", "add", hub)
        undo.callback(run, "ip", "netns", "delete", hub)
        run("ip", "-n", hub, "link", "add", "name", "bridge0", "type", "bridge")
        run("ip", "-n", hub, "link", "set", "dev", "bridge0", "up")
        for number, host in enumerate(hosts):
            run("ip", "netns", "add", host.name)
            undo.callback(run, "ip", "netns", "delete", host.name)
            run("ip", "-n", hub, "link", "add", "name", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", host.name)
            run("ip", "-n", hub, "link", "set", "dev", f"port{number}", "master", "bridge0", "up")
            run("ip", "-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
            run("ip", "-n", host.name, "link", "set", "lo", "up")
            run("ip", "-n", host.name, "link", "set", "eth0", "up")
            run("ip", "-n", host.name, "route", "add", "default", "via", SERVER if host is not server else "10.77.0.254")
        yield server, clients


@contextlib.contextmanager
def web_server(host: Host) -> Iterator[int]:
    """Serve 612 bytes at `/` with one nginx worker; yields nginx's process id."""
    with tempfile.TemporaryDirectory(prefix="meshd-bench-") as folder:
        www = Path(folder, "www")
        www.mkdir()
        www.joinpath("index.html").write_text("x" * 611 + "\n")
        os.chmod(folder, 0o755)
        Path(folder, "nginx.conf").write_text(_NGINX.format(folder=folder, port=SERVER_PORT))
        process = subprocess.Popen([*host.enter, "nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"])
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(10)
