"""The walk, step by step: what is done, the access log line that it causes, and whether that is the line it must be."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.demo import lines, world
from tests.demo.daemon import Commands, Daemon, LogReader
from tests.helpers.netns import Host, build_network, mount_over, mount_private_run
from tests.helpers.waiting import NotInTimeError, wait_for

HOST = Host("", "172.17.0.1")
NGINX_1 = Host("nginx-1", "172.17.0.11")
NGINX_2 = Host("nginx-2", "172.17.0.13")
UBUNTU = Host("ubuntu", "172.17.0.15")
RESOLV_CONF = Path("/etc/resolv.conf")
SERVICE = "10.104.15.140"
NAME = "my-nginx"
CLUSTER = "outbound|80||my-nginx.default.svc.cluster.local"
MANY = 20  # requests until both endpoints must have been used; that a fair choice misses one has odds of 1 to 500,000
NOT_HTTP = b"HELO ubuntu\r\n"


class UnexpectedError(Exception):
    """A step went otherwise than the walk says."""


class Walk:
    """
    The machines of the walk, ready for its steps; everything vanishes with the namespaces that this process runs in.

    Attributes:
        daemons: meshd on each machine, by its name.
        logs: What their access logs gain.
        servers: Machines with a web server, and what it prints.
    """

    def __init__(self, commands: Commands) -> None:
        """Take the programs to use; `with` makes the machines."""
        self._commands = commands
        self._processes: list[subprocess.Popen[bytes]] = []
        self.servers: dict[Host, Path] = {}
        self.daemons: dict[str, Daemon] = {}
        self.logs: dict[str, LogReader] = {}

    def __enter__(self) -> "Walk":
        """Make the machines and start web servers and daemons, all at once."""
        folder = mount_private_run() / "meshd-demo"
        folder.mkdir(mode=0o755)
        mount_over(world.write_resolv_conf(folder, HOST.address), RESOLV_CONF)
        build_network(HOST, (NGINX_1, NGINX_2, UBUNTU), 16, unreachable=("10.104.0.0/16",))
        for host in (NGINX_1, NGINX_2):
            config = world.write_web_server(folder / f"web-{host.name}")
            self.servers[host] = log = config.with_suffix(".log")
            self._processes.append(host.start("nginx", "-c", str(config), output=log, cwd=config.parent))
        for host in (NGINX_1, NGINX_2, UBUNTU):
            daemon = self.daemons[host.name] = Daemon(host, folder / host.name, self._commands)
            self.logs[host.name] = LogReader(daemon.access_log)
            world.write_configuration(daemon.config)
            daemon.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop what still runs."""
        for daemon in self.daemons.values():
            daemon.stop()
        for process in self._processes:
            process.terminate()
            process.wait()

    def run(self) -> list[str]:
        """Do all steps and print them; returns the names of those that failed."""
        say("hosts: nginx-1 172.17.0.11, nginx-2 172.17.0.13, ubuntu 172.17.0.15 with meshd; host 172.17.0.1 without")
        failed = []
        for name, step in STEPS:
            if not self._try(name, step):
                failed.append(name)
            if failed == ["start"]:
                break
        if failed:
            for name, daemon in self.daemons.items():
                say(f"\nlast words of twistd meshd on {name}:")
                say("".join(f"    {line}\n" for line in daemon.output.read_text().splitlines()[-15:]))
        return failed

    def _try(self, name: str, step: "Callable[[Walk], None]") -> bool:
        say(f"\n{name}: {step.__doc__}")
        try:
            step(self)
        except (UnexpectedError, NotInTimeError, subprocess.TimeoutExpired) as error:
            say(f"    FAILED: {error}")
            return False
        say("    ok")
        return True

    def curl(self, host: Host, address: str, expected: str) -> None:
        """
        Get a page with curl and look at its length.

        Raises:
            UnexpectedError: If curl fails or prints something else than `expected`: status, and bytes of the body.
        """
        for log in self.logs.values():
            log.skip()
        say(f"    {host.name or 'host'}# curl http://{address}/")
        answer = host.run("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{size_download}", f"http://{address}/")
        found = answer.stdout.decode()
        if found != expected:
            raise UnexpectedError(f"curl: expected {expected!r}, got {found!r} (exit status {answer.returncode})")

    def line(self, host: Host, expected: str) -> str:
        """
        Wait for the one line that a request caused, print it and hold it against what is expected.

        Raises:
            UnexpectedError: If it differs, or there are more.
        """
        found = self.logs[host.name].take(1)
        for line in found:
            say(f"    {host.name} access.log: {line}")
        if len(found) > 1:
            raise UnexpectedError(f"expected one line, got {len(found)}")
        different = lines.difference(expected, found[0])
        if different:
            raise UnexpectedError(different)
        return found[0]

    def change(self, what: str, change: Callable[[Path], None]) -> None:
        """Change every machine's configuration directory and wait until the workers have taken it in; nothing is restarted."""
        say(f"    every machine# {what}")
        before = {name: daemon.generation() for name, daemon in self.daemons.items()}
        for daemon in self.daemons.values():
            change(daemon.config)
        for name, daemon in self.daemons.items():
            daemon.wait_until_settled(after=before[name])

    def delete_service(self) -> None:
        """Remove the service's file."""
        self.change("rm /etc/meshd/my-nginx.yaml", lambda directory: (directory / "my-nginx.yaml").unlink(missing_ok=True))

    def restore_service(self) -> None:
        """Write the service's file again."""
        self.change("write /etc/meshd/my-nginx.yaml again", lambda directory: world.restore(directory, "my-nginx.yaml"))


def start(walk: Walk) -> None:
    """twistd meshd serves on three machines, and their web servers answer."""
    for daemon in walk.daemons.values():
        daemon.wait_until_settled()
    status = walk.daemons[UBUNTU.name].meshctl("status")
    say("    ubuntu# meshctl status")
    say("".join(f"        {line}\n" for line in status.stdout.decode().splitlines()).rstrip())
    if status.returncode != 0:
        raise UnexpectedError(f"meshctl status: exit status {status.returncode}: {status.stderr.decode().strip()}")
    for host, log in walk.servers.items():
        ask = partial(host.run, "curl", "--silent", "--fail", "http://127.0.0.1/")
        try:
            wait_for(lambda ask=ask: ask().returncode == 0, f"nginx on {host.name} answers")  # type: ignore[misc]  # reason: a default binds it
        except NotInTimeError as error:
            raise UnexpectedError(f"{error}; it says: {log.read_text().strip()}") from error


def step_1(walk: Walk) -> None:
    """A request from outside the mesh is captured on nginx-1, known as HTTP, and finds the service's inbound rule."""
    walk.curl(HOST, NGINX_1.address, "200 612")
    walk.line(NGINX_1, lines.INBOUND)


def step_2(walk: Walk) -> None:
    """The service is deleted: the same request has no rule, and is still served."""
    walk.delete_service()
    walk.curl(HOST, NGINX_1.address, "200 612")
    walk.line(NGINX_1, lines.INBOUND_PASSTHROUGH)


def step_3(walk: Walk) -> None:
    """The service is back: a request to a machine's address is no request to the service, and passes through."""
    walk.restore_service()
    walk.curl(UBUNTU, NGINX_1.address, "200 612")
    walk.line(UBUNTU, lines.OUTBOUND_PASSTHROUGH)


def step_4(walk: Walk) -> None:
    """A request to the service's address goes to one of its endpoints; repeated, to both."""
    used: dict[str, int] = {}
    for number in range(MANY):
        hush = number > 0
        line = _quietly(walk, hush)
        used[line] = used.get(line, 0) + 1
    say(f"    {MANY} requests: " + ", ".join(f"{count} to {endpoint}" for endpoint, count in sorted(used.items())))
    if len(used) != 2:
        raise UnexpectedError(f"expected both endpoints to be used, got {sorted(used)}")


def _quietly(walk: Walk, hush: bool) -> str:
    for log in walk.logs.values():
        log.skip()
    if not hush:
        walk.curl(UBUNTU, SERVICE, "200 612")
        return lines.values(lines.OUTBOUND, walk.line(UBUNTU, lines.OUTBOUND), "nginx")[0]
    UBUNTU.run("curl", "--silent", f"http://{SERVICE}/")
    line = walk.logs[UBUNTU.name].take(1)[0]
    different = lines.difference(lines.OUTBOUND, line)
    if different:
        raise UnexpectedError(f"{line}: {different}")
    return lines.values(lines.OUTBOUND, line, "nginx")[0]


def step_5(walk: Walk) -> None:
    """Bytes that are not HTTP take the TCP branch of the same listener."""
    for log in walk.logs.values():
        log.skip()
    say(f"    ubuntu# printf '{NOT_HTTP.decode().encode('unicode_escape').decode()}' | nc -N {SERVICE} 80")
    answer = UBUNTU.run("nc", "-N", "-w", "5", SERVICE, "80", stdin=NOT_HTTP).stdout
    counts = lines.values(lines.OUTBOUND_TCP, walk.line(UBUNTU, lines.OUTBOUND_TCP), "bytes")
    if not answer or counts != [str(len(NOT_HTTP)), str(len(answer))]:
        raise UnexpectedError(f"sent {len(NOT_HTTP)} bytes and got {len(answer)}, but the line says {counts}")


def step_6(walk: Walk) -> None:
    """meshctl proxy-config shows the rules behind it."""
    ubuntu = walk.daemons[UBUNTU.name]
    name = "my-nginx.default.svc.cluster.local"
    rows = _table(ubuntu, "listener", "--address", SERVICE, "--port", "80")
    expect_rows(rows, [rf"10\.104\.15\.140 +80 +Trans: raw_buffer; App: http/1\.1,h2c +Route: {re.escape(name)}:80",
                        rf"10\.104\.15\.140 +80 +ALL +Cluster: {re.escape(CLUSTER)}"])
    _table(ubuntu, "route", "--name", f"{name}:80")
    routes = _json(ubuntu, "route", "--name", f"{name}:80")
    domains = set(routes[0]["virtualHosts"][0]["domains"])
    expect_all({"my-nginx", "my-nginx.default", "my-nginx.default.svc", name, SERVICE, "*"}, domains, "domains of the route's virtual host")
    _table(ubuntu, "cluster", "--fqdn", name)
    cluster = next(found for found in _json(ubuntu, "cluster") if found["name"] == CLUSTER)
    expect_all({"EDS"}, {cluster["type"]}, "type of the service's cluster")
    expect_all({CLUSTER}, {cluster["edsClusterConfig"]["serviceName"]}, "serviceName of the service's cluster")
    passthrough = next(found for found in _json(ubuntu, "cluster") if found["name"] == "PassthroughCluster")
    expect_all({"ORIGINAL_DST"}, {passthrough["type"]}, "type of PassthroughCluster")
    rows = _table(ubuntu, "endpoint", "--cluster", CLUSTER)
    expect_rows(rows, [rf"{re.escape(address)}:80 +HEALTHY .*{re.escape(CLUSTER)}" for address in (NGINX_1.address, NGINX_2.address)])


def by_name(walk: Walk) -> None:
    """The service has a name on a plain machine: its name server, which has never heard of it, is not even asked."""
    say(f"    ubuntu# cat {RESOLV_CONF}\n        {RESOLV_CONF.read_text().strip()}")
    walk.curl(UBUNTU, NAME, "200 612")
    walk.line(UBUNTU, lines.BY_NAME)


def step_7(walk: Walk) -> None:
    """The service is deleted: its address is nobody's, and the request times out."""
    walk.delete_service()
    walk.curl(UBUNTU, SERVICE, "503 91")
    walk.line(UBUNTU, lines.TIMED_OUT)


def stop(walk: Walk) -> None:
    """The daemons are stopped: their rules are gone, and plain traffic flows."""
    left = [trace for daemon in walk.daemons.values() for trace in daemon.stop()]
    if left:
        raise UnexpectedError(f"left behind: {left}")
    walk.curl(HOST, NGINX_1.address, "200 612")


STEPS: Sequence[tuple[str, Callable[[Walk], None]]] = (
    ("start", start),
    ("step 1", step_1),
    ("step 2", step_2),
    ("step 3", step_3),
    ("step 4", step_4),
    ("step 5", step_5),
    ("step 6", step_6),
    ("by name", by_name),
    ("step 7", step_7),
    ("stop", stop),
)


def say(text: str) -> None:
    """Print at once, for a reader who waits."""
    print(text, flush=True)


def _table(daemon: Daemon, *words: str) -> list[str]:
    say(f"    ubuntu# meshctl proxy-config {' '.join(words)}")
    answer = daemon.meshctl("proxy-config", *words)
    if answer.returncode != 0:
        raise UnexpectedError(f"meshctl: exit status {answer.returncode}: {answer.stderr.decode().strip()}")
    rows = answer.stdout.decode().rstrip("\n").split("\n")
    for row in rows:
        say(f"        {row}")
    return [row.strip() for row in rows[1:]]


def _json(daemon: Daemon, *words: str) -> list[dict[str, Any]]:
    answer = daemon.meshctl("proxy-config", *words, "-o", "json")
    try:
        found = json.loads(answer.stdout)
    except ValueError as error:
        raise UnexpectedError(f"meshctl proxy-config {' '.join(words)} -o json: {answer.stderr.decode().strip()}") from error
    return list(found)


def expect_rows(rows: list[str], patterns: list[str]) -> None:
    """Hold the rows of a table against patterns, one a row."""
    if len(rows) != len(patterns) or not all(re.fullmatch(pattern, row) for pattern, row in zip(patterns, rows, strict=True)):
        raise UnexpectedError(f"expected rows {patterns}, got {rows}")


def expect_all(expected: set[Any], found: set[Any], what: str) -> None:
    """Expect all of these among what was found."""
    if not expected <= found:
        raise UnexpectedError(f"{what}: expected {sorted(expected)}, got {sorted(found)}")
