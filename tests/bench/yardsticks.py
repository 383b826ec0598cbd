"""
HAProxy and nginx, set up to do a sidecar's work as far as they can.

They take captured connections, route by Host, give requests an id, log in Istio's order of fields, and keep connections open on both sides. What
they do not: ask for the original destination (each service is diverted to a port of its own), count metrics, retry as Istio does.
"""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.cpu import children
from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE
from tests.bench.world import BYTES_SERVICE, ECHO_PORT, SOURCE_PORT
from tests.helpers.proxies import Proxy, expect_running, stopped_at_the_end, wait_until

WEB_PORT, ECHO_FRONT, SOURCE_FRONT = 15001, 15002, 15003
REMARKS = dict.fromkeys(("HAProxy", "nginx"), "does less: no original destination, no metrics, no log fields of routes and clusters, no retries")
"""For scenarios over HTTP."""
TCP_REMARKS = {"HAProxy": "does less: no original destination, no protocol detection, no metrics"}
"""For scenarios over TCP, which Debian's nginx-light has no module for."""

_DIVERTED = f"""\
table ip bench {{
  chain output {{
    type nat hook output priority -100;
    ip daddr {SERVICE} tcp dport 80 redirect to :{WEB_PORT}
    ip daddr {BYTES_SERVICE} tcp dport {ECHO_PORT} redirect to :{ECHO_FRONT}
    ip daddr {BYTES_SERVICE} tcp dport {SOURCE_PORT} redirect to :{SOURCE_FRONT}
  }}
}}
"""
_HAPROXY = f"""\
global
  nbthread 1
  maxconn 30000
  no strict-limits
  log stdout format raw local0
defaults
  log global
  timeout connect 10s
  timeout client 3600s
  timeout server 3600s
  timeout http-keep-alive 3600s
frontend web
  mode http
  bind :{WEB_PORT} backlog 4096
  unique-id-format %[uuid()]
  unique-id-header x-request-id
  log-format "[%t] \\"%HM %HU %HV\\" %ST %ts %U %B %Ta %Tr \\"%ID\\" \\"%[var(txn.host)]\\" \\"%si:%sp\\" %b %bi:%bp %fi:%fp %ci:%cp"
  http-request set-var(txn.host) req.hdr(host)
  use_backend web if {{ var(txn.host) -m str {SERVICE} }}
backend web
  mode http
  http-reuse always
  server one {SERVER}:{SERVER_PORT} pool-max-conn 1024
listen echo
  mode tcp
  bind :{ECHO_FRONT} backlog 4096
  log-format "[%t] %ts %U %B %Tt \\"%si:%sp\\" %b %bi:%bp %fi:%fp %ci:%cp"
  server one {SERVER}:{ECHO_PORT}
listen source
  mode tcp
  bind :{SOURCE_FRONT} backlog 4096
  log-format "[%t] %ts %U %B %Tt \\"%si:%sp\\" %b %bi:%bp %fi:%fp %ci:%cp"
  server one {SERVER}:{SOURCE_PORT}
"""
_NGINX = """\
user root root; worker_processes 1; worker_rlimit_nofile 65536; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 32768; }}
http {{
  log_format mesh '[$time_iso8601] "$request" $status $request_length $bytes_sent $request_time $upstream_response_time "$http_x_forwarded_for" '
    '"$http_user_agent" "$request_id" "$host" "$upstream_addr" $server_addr:$server_port $remote_addr:$remote_port';
  access_log {folder}/access.log mesh buffer=64k flush=1s;
  keepalive_requests 1000000000; keepalive_timeout 3600s; client_max_body_size 0; client_body_buffer_size 128k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream web {{ server {server}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  server {{ listen {port} backlog=4096 default_server; return 404; }}
  server {{
    listen {port}; server_name {service};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Request-Id $request_id; proxy_buffers 16 16k; proxy_request_buffering off;
    }}
  }}
}}
"""


def divert(enter: Sequence[str]) -> None:
    """
    Divert connections of a machine to the ports of HAProxy and nginx.

    Raises:
        subprocess.CalledProcessError: If that is not permitted.
    """
    subprocess.run([*enter, "nft", "-f", "-"], input=_DIVERTED.encode(), check=True, capture_output=True)


@contextlib.contextmanager
def haproxy(folder: Path, enter: Sequence[str]) -> Iterator[Proxy]:
    """Run HAProxy with one thread; it writes a line a request to a file, without gathering them."""
    config = folder / "haproxy.cfg"
    config.write_text(_HAPROXY)
    with _running("HAProxy", folder, enter, ["haproxy", "-db", "-f", str(config)], folder / "access.log") as process:
        yield Proxy("HAProxy", [process.pid], folder / "access.log", folder)


@contextlib.contextmanager
def nginx(folder: Path, enter: Sequence[str]) -> Iterator[Proxy]:
    """Run nginx as a proxy with one worker; it writes its log in batches."""
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, server=f"{SERVER}:{SERVER_PORT}", service=SERVICE, port=WEB_PORT))
    with _running("nginx", folder, enter, ["nginx", "-c", str(config), "-e", f"{folder}/error.log"], folder / "output") as process:
        yield Proxy("nginx", children(process.pid), folder / "access.log", folder)


@contextlib.contextmanager
def _running(name: str, folder: Path, enter: Sequence[str], command: list[str], output: Path) -> "Iterator[subprocess.Popen[bytes]]":
    errors = folder / "errors"
    with output.open("wb") as stream, errors.open("wb") as error_stream:
        process = subprocess.Popen([*enter, *command], stdout=stream, stderr=error_stream)
    with stopped_at_the_end(process):
        divert(enter)
        ask = [*enter, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2", f"http://{SERVICE}/"]
        wait_until(lambda: process.poll() is not None or subprocess.run(ask, capture_output=True, text=True, check=False).stdout == "200",
                   f"{name} serves", log=errors)
        expect_running(process, errors)
        yield process
