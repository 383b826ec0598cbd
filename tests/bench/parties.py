"""Starting contenders, each on a machine of its own."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.cpu import resident
from tests.bench.dns import dnsmasq, name_server
from tests.bench.hosts import SECOND_SERVER, SERVER, Host, bench_hosts, run, tune
from tests.bench.scenario import Contender, Party
from tests.bench.servers import build_sockload, bytes_server, web_server
from tests.bench.world import bench_world
from tests.bench.yardsticks import haproxy, nginx
from tests.helpers.proxies import Proxy, envoy, meshd, meshd_of_file
from tests.helpers.source_tree import ROOT


@contextlib.contextmanager
def running(contenders: Sequence[Contender]) -> Iterator[list[Party]]:
    """Run contenders and the servers behind them; all is gone afterwards."""
    far = {_server_name(contender) for contender in contenders if contender.hops == 2}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meshd-bench-")))
        folder.chmod(0o755)
        sockload = build_sockload(folder)
        server, clients = stack.enter_context(bench_hosts((*(slug(contender) for contender in contenders), *sorted(far))))
        run("ip", "-n", server.name, "address", "add", f"{SECOND_SERVER}/24", "dev", "eth0")
        for host in (server, *clients.values()):
            tune(host)
        for host in (server, *(clients[name] for name in sorted(far))):
            stack.enter_context(web_server(host))
            stack.enter_context(bytes_server(host, sockload))
        if any(contender.program == "dnsmasq" for contender in contenders):
            stack.enter_context(name_server(server))
        parties = []
        for contender in contenders:
            party = Party(contender, clients[slug(contender)], sockload)
            hosts = [party.host] if contender.hops == 1 else [party.host, clients[_server_name(contender)]]
            place = SERVER if contender.hops == 1 else hosts[-1].address
            for host in hosts if contender.program != "direct" else []:
                _join(party, stack.enter_context(_started(contender, folder / host.name, host, place)))
            party.idle_rss = resident(party.pids)
            parties.append(party)
        yield parties


def slug(contender: Contender) -> str:
    """Give a contender's name as its machine has it."""
    return "".join(letter for letter in contender.name.lower() if letter.isalnum())


def _server_name(contender: Contender) -> str:
    return f"{slug(contender)}-far"


def _join(party: Party, proxy: Proxy) -> None:
    party.pids += proxy.pids
    if party.folder is None:
        party.folder = proxy.folder


def _started(contender: Contender, folder: Path, host: Host, server: str) -> "contextlib.AbstractContextManager[Proxy]":
    folder.mkdir(mode=0o755)
    world = bench_world(host.address, server, contender.workers, contender.node) + contender.more
    if contender.program == "haproxy":
        return haproxy(folder, host.enter)
    if contender.program == "nginx":
        return nginx(folder, host.enter)
    if contender.program == "dnsmasq":
        return dnsmasq(folder, host.enter)
    if contender.program == "envoy":
        return envoy(folder, host.enter, world, workers=contender.workers, edit=contender.edit or (lambda bootstrap: None))
    if contender.edit is not None:
        return meshd_of_file(folder, host.enter, world, contender.edit)
    return meshd(folder, host.enter, world, _sources(folder) if contender.interpreted else None)


def _sources(folder: Path) -> Path:
    """Copy the Python files of meshd to where everybody can read them."""
    copy = folder / "sources"
    for name in ("meshd", "twisted"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "dropin.cache"))
    return copy
