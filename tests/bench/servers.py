"""What answers behind the proxies: nginx over HTTP, and the echo and source of bytes of sockload.c."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.hosts import SERVER_PORT, Host
from tests.bench.world import ECHO_PORT, SOURCE_PORT
from tests.helpers.proxies import stopped_at_the_end

SOCKLOAD_SOURCE = Path(__file__).with_name("sockload.c")
SIZES = {"index.html": 612, "1k": 1024, "64k": 65536, "chunked": 65536}
"""Files that the web server gives, bytes; `chunked` without a Content-Length."""

_NGINX = """\
worker_processes 1; worker_rlimit_nofile 65536; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 32768; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; default_type text/plain;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_body_buffer_size 128k;
  server {{
    listen {port} backlog=4096; listen [::]:{port}; root {folder}/www;
    location = /chunked {{ ssi on; ssi_types text/plain; }}
    location = /upload {{ return 204; }}
  }}
}}
"""


@contextlib.contextmanager
def web_server(host: Host) -> Iterator[int]:
    """Serve files with one nginx worker, 612 bytes at `/`, and take uploads; yields nginx's process id."""
    with tempfile.TemporaryDirectory(prefix="meshd-bench-") as folder:
        www = Path(folder, "www")
        www.mkdir()
        for name, size in SIZES.items():
            www.joinpath(name).write_text("x" * (size - 1) + "\n")
        os.chmod(folder, 0o755)
        Path(folder, "nginx.conf").write_text(_NGINX.format(folder=folder, port=SERVER_PORT))
        process = subprocess.Popen([*host.enter, "nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"])
        with stopped_at_the_end(process):
            yield process.pid


def build_sockload(folder: Path) -> str:
    """
    Compile sockload.c into a folder; returns the program's path.

    Raises:
        subprocess.CalledProcessError: If that fails.
    """
    program = folder / "sockload"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(SOCKLOAD_SOURCE)], check=True)
    return str(program)


@contextlib.contextmanager
def bytes_server(host: Host, sockload: str) -> Iterator[None]:
    """Give back bytes on one port, and give them on another."""
    with stopped_at_the_end(subprocess.Popen([*host.enter, sockload, "serve", str(ECHO_PORT), str(SOURCE_PORT)])):
        yield
