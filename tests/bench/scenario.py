"""What a scenario is made of: contenders, and cases in which each of them is loaded in turn."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE, Host
from tests.bench.load import Load, run_sockload, run_wrk
from tests.bench.targets import ENVOY, US, Target
from tests.bench.world import BYTES_SERVICE, ECHO_PORT, SOURCE_PORT
from tests.helpers.proxies import Edit

Unit = Literal["request", "message", "connection", "GiB", "query"]
Program = Literal["direct", "meshd", "envoy", "haproxy", "nginx", "dnsmasq"]


@attrs.frozen
class Contender:
    """
    Who is loaded.

    Attributes:
        name: As tables print it.
        program: What carries its connections.
        workers: Processes of meshd, threads of Envoy that do so.
        hops: 2: a proxy on the server's machine too, which then is its own.
        edit: Changes the bootstrap that it serves, which meshd then has from a file as Envoy does.
        node: Further fields of its Node, as YAML writes them between braces.
        more: Further documents of its configuration, YAML.
        interpreted: Runs the checkout's Python files, not what is compiled.
    """

    name: str
    program: Program
    workers: int = 1
    hops: Literal[1, 2] = 1
    edit: Edit | None = None
    node: str = ""
    more: str = ""
    interpreted: bool = False


DIRECT = Contender("direct", "direct")
MESHD = Contender(US, "meshd")
REAL_ENVOY = Contender(ENVOY, "envoy")
HAPROXY = Contender("HAProxy", "haproxy")
NGINX = Contender("nginx", "nginx")


@attrs.define(eq=False)
class Party:
    """
    A contender that runs.

    Attributes:
        contender: Who it is.
        host: The machine of its clients.
        sockload: Path of the load program.
        pids: Its processes on the data path.
        folder: Its files, see `tests.helpers.proxies.Proxy`; None: it has none.
        idle_rss: Its resident memory before any load, bytes.
    """

    contender: Contender
    host: Host
    sockload: str
    pids: list[int] = attrs.field(factory=list)
    folder: Path | None = None
    idle_rss: int = 0

    @property
    def web(self) -> tuple[str, int]:
        """Where clients reach the web service."""
        return (SERVER, SERVER_PORT) if self.contender.program == "direct" else (SERVICE, 80)

    def bytes_place(self, port: int) -> tuple[str, int]:
        """Return where clients reach a port of the service of bytes."""
        return (SERVER if self.contender.program == "direct" else BYTES_SERVICE), port

    @property
    def configuration(self) -> Path:
        """
        The directory of its configuration.

        Raises:
            RuntimeError: If it has none.
        """
        if self.folder is None:
            raise RuntimeError(f"{self.contender.name} has no configuration directory")
        return self.folder / "etc"


def http_load(path: str = "/", connections: int = 32, headers: tuple[str, ...] = (), script: str = "") -> Callable[[Party, int], Load]:
    """
    Give a load by wrk.

    Args:
        path: What is asked for.
        connections: That are open at a time.
        headers: Lines that requests have besides.
        script: Name of a Lua file beside the scenarios.
    """
    def load(party: Party, seconds: int) -> Load:
        address, port = party.web
        place = address if port == 80 else f"{address}:{port}"
        lua = Path(__file__).parent / "scenarios" / script if script else None
        return run_wrk(party.host.enter, f"http://{place}{path}", connections, seconds, headers, lua)
    return load


def tcp_load(mode: Literal["echo", "connect", "bulk"], connections: int = 32) -> Callable[[Party, int], Load]:
    """Give a load by sockload.c with connections that are open at a time."""
    def load(party: Party, seconds: int) -> Load:
        place = party.bytes_place(SOURCE_PORT if mode == "bulk" else ECHO_PORT)
        return run_sockload(party.host.enter, party.sockload, mode, place, connections, seconds)
    return load


Around = Callable[[Party, int], contextlib.AbstractContextManager[dict[str, float]]]
"""What goes on around a load of so many seconds; gives a dictionary that has further figures once it has ended."""


@contextlib.contextmanager
def nothing_else(party: Party, seconds: int) -> Iterator[dict[str, float]]:
    """Do nothing around a load."""
    yield {}


@attrs.frozen
class Case:
    """
    One load.

    Attributes:
        name: Within the scenario; empty when it is the only one.
        load: Loads a party for some seconds.
        targets: What is to be reached.
        unit: One unit of its work.
        around: What goes on meanwhile.
    """

    name: str
    load: Callable[[Party, int], Load]
    targets: tuple[Target, ...] = ()
    unit: Unit = "request"
    around: Around = nothing_else


@attrs.frozen
class Scenario:
    """
    What is measured together: the same processes serve all cases.

    Attributes:
        title: In one line.
        cases: In their order.
        contenders: Who runs.
        remarks: Where contenders do not do the same work, by name.
    """

    title: str
    cases: tuple[Case, ...]
    contenders: tuple[Contender, ...] = (DIRECT, MESHD, REAL_ENVOY, HAPROXY, NGINX)
    remarks: Mapping[str, str] = attrs.field(factory=dict)
