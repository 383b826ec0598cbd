"""Workloads register themselves: machines join a registry of the fleet, are asked for their health, and leave."""

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.helpers.captured_host import ADDRESSES, two_machines
from tests.helpers.daemon import Daemon, free_ports
from tests.helpers.registering import GROUP, SERVICE, Fleet, addresses_of, application, wait_for_addresses
from tests.helpers.waiting import wait_for

PERIOD = 2  # seconds between two questions for health
GRACE = 4.0  # seconds, as the registry of these tests has it
KEY = "shop/web-127.0.0.1"


class Scene(Fleet):
    """
    A registry, a machine that joins, and one that only follows.

    Attributes:
        app: Port of the workload's application.
    """

    def __init__(self, stack: contextlib.ExitStack, **more: str) -> None:
        """Start all three; there is no application yet."""
        super().__init__(stack, **more)
        [self.app] = free_ports(1)
        self.registry.write("mesh.yaml", GROUP.replace("APP", str(self.app)).replace("PERIOD", str(PERIOD)) + "---\n" + SERVICE)
        self.registry.start()
        self.join_token = self.token("--group", "shop/web", "--name", "web")
        self.web = self.daemon("127.0.0.1", self.join(self.join_token), "web")
        self.client = self.daemon("127.0.0.1", self.join(self.token("--read"), ""), "client")
        self.client.write("mesh.yaml", SERVICE)
        for daemon in (self.web, self.client):
            daemon.start()
        wait_for(lambda: self.registered(), "the machine to join")


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Three machines on loopback."""
    with contextlib.ExitStack() as stack:
        yield Scene(stack)


def registry_of(daemon: Daemon, part: str) -> dict[str, object]:
    """Give a part of what a daemon says of registration."""
    found: dict[str, object] = ((daemon.status().get("registry") or {}).get(part)) or {}
    return found


def test_health_decides(scene):
    """A machine whose application is away is nobody's endpoint; one that comes is, and one that goes is not within its period and a second."""
    wait_for(lambda: scene.registered() == {KEY: "unhealthy"}, "the first answer")
    assert [] == addresses_of(scene.client)
    with application(scene.app) as process:
        wait_for_addresses(scene.client, ["127.0.0.1"])
        assert {KEY: "healthy"} == scene.registered()
        process.kill()
        process.wait(10)
        began = time.monotonic()
        wait_for_addresses(scene.client, [])
        assert time.monotonic() - began < PERIOD + 1
    with application(scene.app):
        wait_for_addresses(scene.client, ["127.0.0.1"])


def test_a_goodbye_counts_at_once_and_a_death_after_the_grace_period(scene):
    """Whoever stops is gone; who is killed is removed, unless it is back before that."""
    with application(scene.app):
        wait_for_addresses(scene.client, ["127.0.0.1"])
        began = time.monotonic()
        scene.web.stop()
        wait_for_addresses(scene.client, [])
        assert time.monotonic() - began < GRACE
        scene.web.start()
        wait_for_addresses(scene.client, ["127.0.0.1"])
        scene.web.kill()
        scene.web.start()
        time.sleep(GRACE + 1)  # reason: nothing must happen after the grace period
        assert ["127.0.0.1"] == addresses_of(scene.client)
        scene.web.kill()
        began = time.monotonic()
        wait_for(lambda: not scene.registered(), "the entry to be removed")
        assert GRACE / 2 < time.monotonic() - began < GRACE + 2
        wait_for_addresses(scene.client, [])


def test_a_registry_that_is_away_changes_nothing(scene):
    """However long; machines start with what they knew; when it is back with nothing but its tokens, everybody comes again."""
    with application(scene.app):
        wait_for_addresses(scene.client, ["127.0.0.1"])
        scene.registry.kill()
        wait_for(lambda: registry_of(scene.client, "follows").get("problem") and registry_of(scene.web, "joined").get("problem"), "both to notice")
        scene.client.stop()
        scene.client.start()
        time.sleep(GRACE)  # reason: nothing must happen
        assert ["127.0.0.1"] == addresses_of(scene.client)
        assert "refused" in scene.meshctl("status", f"--run-dir={scene.client.folder / 'run'}").stdout
        (scene.registry.folder / "state" / "registry" / "registered.json").unlink()
        scene.registry.start()
        wait_for(lambda: scene.registered() == {KEY: "healthy"}, "the machine to come back")
        wait_for(lambda: not registry_of(scene.client, "follows").get("problem"), "the client to come back")
        time.sleep(GRACE)  # reason: nothing must happen
        assert ["127.0.0.1"] == addresses_of(scene.client)


def test_a_token_that_is_revoked(scene):
    """Its machines are removed after the grace period; they go on serving, and say what is wrong."""
    with application(scene.app):
        wait_for_addresses(scene.client, ["127.0.0.1"])
        revoked = scene.meshctl("registry", "token", "revoke", "web", f"--state-dir={scene.registry.folder / 'state'}")
        assert "token web is revoked\n" == revoked.stdout
        wait_for_addresses(scene.client, [])
        assert "expected a token of this registry" in str(registry_of(scene.web, "joined")["problem"])
        assert "serving" == scene.web.status()["state"]
        scene.join_token.write_text(scene.token("--group", "shop/web").read_text())
        wait_for_addresses(scene.client, ["127.0.0.1"])


def test_two_machines_with_one_address(scene):
    """The second one is told, and takes nothing over."""
    clone = scene.daemon("127.0.0.1", scene.join(scene.join_token), "clone")
    clone.start()
    wait_for(lambda: "is held by another machine" in str(registry_of(clone, "joined").get("problem")), "the clone to be refused")
    assert "" == registry_of(scene.web, "joined")["problem"]


def test_strangers(scene):
    """Garbage, connections that say nothing, and a flood of them: the machines that are there go on."""
    place = ("127.0.0.1", scene.port)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(place, 5))
        for words in (b"\x00" * 5000, b"GET / HTTP/1.1\r\n\r\n", os.urandom(20_000)):
            with contextlib.suppress(OSError), socket.create_connection(place, 5) as connection:
                connection.sendall(words)
    said = b""
    for head in (b"PUT /v1/workloads HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"):
        with socket.create_connection(place, 5) as connection, context.wrap_socket(connection) as secure:
            secure.sendall(head)
            said += secure.recv(100)
    assert said.startswith(b"HTTP/1.1 413 ")
    with application(scene.app):
        wait_for_addresses(scene.client, ["127.0.0.1"])
        wait_for(lambda: registry_of(scene.web, "joined")["problem"] == "", "the machine to be well")


def test_a_registry_of_another_certificate_is_told_nothing(scene):
    """Whoever takes its place does not get the token, and takes nothing away."""
    scene.registry.stop()
    state = scene.registry.folder / "state" / "registry"
    for name in ("tls.crt", "tls.key"):
        (state / name).unlink()
    scene.registry.start()
    for daemon, part in ((scene.web, "joined"), (scene.client, "follows")):
        look = partial(registry_of, daemon, part)
        wait_for(lambda look=look: "certificate is not the one" in str(look().get("problem")), f"who {part} to notice")
        assert "serving" == daemon.status()["state"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to capture in a namespace")
def test_captured_machines(tmp_path: Path):
    """Requests of a captured machine go to a captured workload while that is well, through capture on both sides."""
    host, neighbour = ADDRESSES["host"][0], ADDRESSES["neighbour"][0]
    with two_machines() as (here, there), contextlib.ExitStack() as stack:
        enter = {machine: ("ip", "netns", "exec", machine.name) for machine in (here, there)}
        fleet = Fleet(stack, host)
        fleet.registry.write("mesh.yaml", GROUP.replace("APP", "8080").replace("PERIOD", "1"))
        fleet.registry.start(prefix=enter[here])
        web = fleet.daemon(neighbour, fleet.join(fleet.token("--group", "shop/web")), "web", capture=True)
        client = fleet.daemon(host, fleet.join(fleet.token("--read"), ""), "client", capture=True)
        for daemon, machine in ((web, there), (client, here)):
            daemon.write("mesh.yaml", SERVICE)
            daemon.start(prefix=enter[machine])

        def call() -> str:
            command = ["curl", "-s", "-m", "5", "-w", " %{http_code}", "-H", "Host: web.example.com", "http://240.0.0.9/"]
            return here.run(command).output.strip()

        with application(8080, "0.0.0.0", enter[there]) as process:
            wait_for(lambda: call() == "web 200", f"the workload to be reached, last {call()}")
            process.kill()
            process.wait(10)
            began = time.monotonic()
            wait_for(lambda: call().startswith("no healthy upstream 503"), "the workload to have left")
            assert time.monotonic() - began < 2.0
        for daemon in (client, web):
            daemon.stop()
