"""A machine to capture on and a neighbour, as two network namespaces, with listeners that tell what reached them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from meshd.capture.commands import Ran, run

OWN_ID = 1337
APPLICATION_ID = 1000
ADDRESSES = {"host": ("10.99.0.1", "fd00:99::1"), "neighbour": ("10.99.0.2", "fd00:99::2")}
PROGRAM = str(Path(__file__).with_name("original_destination.py"))


@attrs.define(eq=False)
class Machine:
    """A network namespace."""

    name: str

    def run(self, arguments: Sequence[str], standard_input: str = "") -> Ran:
        """Run a program there; this is a runner for capture too."""
        return run(["ip", "netns", "exec", self.name, *arguments], standard_input)

    def must(self, line: str) -> str:
        """Run a program that has to succeed, and give its output."""
        ran = self.run(line.split())
        if ran.status:
            raise RuntimeError(f"{line}: {ran.reason}")
        return ran.output

    def call(self, address: str, port: int, uid: int = 0, gid: int = 0, source: str = "") -> str:
        """Connect from there as a user and give the answer, or `refused` or `timeout`."""
        return self.run([sys.executable, PROGRAM, "call", address, str(port), str(uid), str(gid), source]).output.strip()

    def rules(self) -> str:
        """Give everything that nft, iptables and lo have there, without counts."""
        commands = ("nft -s list ruleset", "iptables-legacy-save", "ip6tables-legacy-save", "iptables-nft-save", "ip6tables-nft-save")
        lines = [line for command in commands for line in self.run(command.split()).output.splitlines() if not line.startswith(("#", ":"))]
        return "\n".join([*lines, self.must("ip -6 -o address show dev lo")])


@contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Give a machine and its neighbour, connected, with default routes to each other; gone afterwards."""
    host, neighbour = (Machine(f"meshd-capture-{os.getpid()}-{role}") for role in ("host", "neighbour"))
    try:
        for machine in (host, neighbour):
            machine_made = run(["ip", "netns", "add", machine.name], "")
            if machine_made.status:
                raise RuntimeError(machine_made.reason)
        host.must(f"ip link add eth0 type veth peer name eth0 netns {neighbour.name}")
        for role, machine in (("host", host), ("neighbour", neighbour)):
            four, six = ADDRESSES[role]
            machine.must("ip link set lo up")
            machine.must("ip link set eth0 up")
            machine.must(f"ip address add {four}/24 dev eth0")
            machine.must(f"ip -6 address add {six}/64 dev eth0 nodad")
        four, six = ADDRESSES["neighbour"]
        host.must(f"ip route add default via {four}")
        host.must(f"ip -6 route add default via {six}")
        # the legacy tables come with a kernel module and never go again: they are there before anything is compared
        for program in ("iptables-legacy", "ip6tables-legacy"):
            host.must(f"{program} -t nat -L")
        yield host, neighbour
    finally:
        for machine in (host, neighbour):
            run(["ip", "netns", "delete", machine.name], "")


@contextmanager
def listeners(machine: Machine, user: int, ports: Sequence[int]) -> Iterator[None]:
    """Serve ports on all addresses of a machine as a user, telling each caller what arrived."""
    command = ["ip", "netns", "exec", machine.name, sys.executable, PROGRAM, "serve", str(user), *map(str, ports)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError(f"listeners on {ports} did not start")
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
