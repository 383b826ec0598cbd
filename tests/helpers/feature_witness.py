"""
Cases of the witness suite: what Istio's YAML says, played through a meshd worker and through a real Envoy that runs meshd's export of it.

A case is a few documents about a host of its own, `CASE.test`, and calls to it. Both proxies serve all cases of a world at once, so that an Envoy
starts once a world. What is compared: all that the client read (where upstreams say back all that they read), and the log lines.
"""

import contextlib
import re
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import yaml

from meshd.base.addresses import SocketAddress
from meshd.compile.compiler import compile_snapshot
from meshd.control.machine import machine_addresses, own_address
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.snapshot import Snapshot, secrets_wanted
from meshd.sources.secret_files import SecretFiles
from tests.helpers.certificates import Authority
from tests.helpers.daemon import free_ports
from tests.helpers.proxies import wait_until
from tests.helpers.resources import complaints_of, resources_of
from tests.helpers.running_worker import RunningWorker
from tests.helpers.telling_origin import TellingOrigin
from tests.helpers.tls_origin import TlsOrigin
from tests.helpers.witness import running_envoy

UPSTREAMS = ("v1", "v2", "v3", "app")
"""
Names of the upstreams; documents have their ports as `$v1` and so on, and `$dead` for a port where nobody listens.

`$tls` speaks TLS for `up.test`, `$mutual` asks for a certificate besides. The folder `$files` has `root.crt`, its list `revoked.crl` with `client`,
and certificates with keys: `server` for `a.test`, `client`, and `stranger`, which is of another root.
"""
ENDS = 0.1  # seconds without a byte after which an answer is taken to be whole, where nothing says how long it is
ISTIO_FIELDS = re.compile(r'"[^"]*"|\[[^\]]*\](?!:)|\S+')
FLAGS = 3
TIMES = (0, 9, 10)  # fields of Istio's line that differ from run to run: start, duration, service time
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
VARYING = re.compile(r"(?im)^(date|x-envoy-upstream-service-time): .*?(\r?)$")
COOKIE = re.compile(r'=\\?"?[0-9a-f]{12,16}\\?"?(?=[;\r])')
"""What cookies have that are made up: a hash of the connection's addresses."""
FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% '
    '%CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" '
    '"%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% '
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME% %UPSTREAM_REQUEST_ATTEMPT_COUNT%\\n"
)
"""Istio's own format, and the number of tries."""


@attrs.frozen
class Case:
    """
    One case of a table.

    Attributes:
        name: Of the case, and with `.test` of its host.
        shows: Fields that it is about, `VirtualService.http.timeout`; `.*` at the end stands for all within.
        world: Which machine it is for.
        documents: YAML, with the places that `UPSTREAMS` tells of.
        calls: What is sent: `request`, `host`, `headers` and `body`, or `raw` bytes, or the first bytes of TLS for a name (`hello`). `tls`: within
            TLS for a name, with a `certificate` shown; `then`: what follows an answer's head; `times` or `together`; `after`: seconds before it;
            `to_end`: it is read until it is closed; `listener`: by name; `silent`: no log has a line of it.
        compares: `all`; `shares`: only how often each upstream answers and is asked, and each flag is logged, within chance; or `spread`: how often
            upstreams answer, whichever they are.
    """

    name: str
    shows: tuple[str, ...]
    world: str
    documents: tuple[Mapping[str, Any], ...]
    calls: tuple[Mapping[str, Any], ...]
    compares: str = "all"


Outcome = dict[str, list[str]]
"""What clients read, what was logged, and what reached upstreams, of one case."""


def read_cases(path: Path) -> list[Case]:
    """Read a table of cases."""
    return [_read_case(found) for found in yaml.safe_load(path.read_text())]


def _read_case(found: dict[str, Any]) -> Case:
    found = yaml.safe_load(yaml.safe_dump(found, width=10_000).replace("HOST", f"{found['case']}.test"))
    name, specs = found.pop("case"), found.pop("documents")
    if not found.pop("bare", False):
        specs = [*specs, *_usual(name, specs)]
    calls = [_read_call(call, name) for call in found.pop("calls")]
    return Case(name, tuple(found.pop("shows")), found.pop("world", "mesh"), tuple(_documents(name, specs)), tuple(calls), **found)


def _documents(name: str, specs: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give documents of specs by kind; hosts are the case's own where none are said."""
    for index, spec in enumerate(specs):
        for kind, body in spec.items():
            group = "meshd.io/v1" if kind == "RateLimit" else "networking.istio.io/v1"
            own: dict[str, dict[str, Any]] = {"VirtualService": {"hosts": [f"{name}.test"]}, "DestinationRule": {"host": f"{name}.test"}}
            metadata = {"name": f"{name}-{index}", "namespace": "default"}
            yield {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": {**own.get(kind, {}), **body}}


def _usual(name: str, specs: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Give the usual service of a case, two versions, and the subsets of these unless it has a rule of its own."""
    versions = ("v1", "v2")
    endpoints = [{"address": "127.0.0.1", "ports": {"http": f"${version}"}, "labels": {"version": version}} for version in versions]
    yield {"ServiceEntry": {
        "hosts": [f"{name}.test"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}], "resolution": "STATIC", "endpoints": endpoints,
    }}
    if not any("DestinationRule" in spec for spec in specs):
        yield {"DestinationRule": {"subsets": [{"name": version, "labels": {"version": version}} for version in versions]}}


def _read_call(call: Any, name: str) -> dict[str, Any]:
    found = {"request": call} if isinstance(call, str) else dict(call)
    return {"host": f"{name}.test", "headers": {}, "body": "", "times": 1, "listener": "0.0.0.0_80", **found}


def request_of(call: Mapping[str, Any]) -> bytes:
    """Give the bytes of a call."""
    if "raw" in call:
        return str(call["raw"]).encode()
    if "hello" in call:
        return client_hello(call["hello"])
    lines = [f"{call['request']} HTTP/1.1", f"Host: {call['host']}", *(f"{name}: {value}" for name, value in call["headers"].items())]
    if call["body"]:
        lines.append(f"Content-Length: {len(call['body'])}")
    return ("".join(f"{line}\r\n" for line in [*lines, ""]) + str(call["body"])).encode()


@cache
def client_hello(name: str) -> bytes:
    """Give the first bytes of a TLS client that asks for a name."""
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    return sent.read()


def snapshot_of(cases: Iterable[Case], machine: str, log: Path, places: Mapping[str, Any]) -> Snapshot:
    """
    Compile a world whose listeners are bound to free ports of loopback.

    Args:
        cases: The cases of the world.
        machine: YAML of the machine and what it has besides.
        log: Where lines go.
        places: Ports and folders by what documents call them.
    """
    mesh = {"apiVersion": "meshd.io/v1", "kind": "Mesh", "metadata": {"name": "mesh"}, "spec": {"accessLogFile": str(log), "accessLogFormat": FORMAT}}
    text = yaml.safe_dump_all([mesh, *(document for case in cases for document in case.documents)]) + "---\n" + machine
    text = re.sub(r"'?\$(\w+)'?", lambda found: str(places[found[1]]), text)
    errors = [line for line in complaints_of(text) if line.startswith("error")]
    assert not errors, errors
    world = World().changed(resources_of(text))
    snapshot = compile_snapshot(world, world.all(Node)[0]).snapshot
    names = [name for name in snapshot.listeners if name != "virtualOutbound"]
    free = [places["inbound"] if name == "virtualInbound" else port for name, port in zip(names, free_ports(len(names)), strict=True)]
    return attrs.evolve(snapshot, listeners={
        name: attrs.evolve(snapshot.listeners[name], address=SocketAddress("127.0.0.1", port), additional_addresses=(), bind_to_port=True)
        for name, port in zip(names, free, strict=True)
    })


def call_once(port: int, call: Mapping[str, Any]) -> str:
    """Make a call on a connection of its own; give all that was read."""
    time.sleep(call.get("after", 0.0))  # reason: what is asked for is that time goes by
    with ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5.0))
        if "tls" in call:
            try:
                connection = stack.enter_context(_within_tls(connection, call))
            except OSError:
                return "no TLS"
        received = b""
        with contextlib.suppress(OSError):  # TLS 1.3: a client knows only now that its certificate was not taken
            connection.sendall(request_of(call))
        while not _is_whole(received, call):
            connection.settimeout(ENDS if received and "to_end" not in call else 5.0)
            try:
                data = connection.recv(65536)
            except TimeoutError:
                break
            except (ConnectionResetError, ssl.SSLError):
                return (received + b" closed").decode("latin-1")  # reason: FIN or RST is chance where bytes are left unread
            if not data:
                return (received + b" closed").decode("latin-1")
            received += data
            if call.get("then") and b"\r\n\r\n" in received and call["then"].encode() not in received:
                connection.sendall(call["then"].encode())
        return received.decode("latin-1")


def _within_tls(connection: socket.socket, call: Mapping[str, Any]) -> ssl.SSLSocket:
    """
    Agree on TLS.

    Raises:
        OSError: If it fails.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    if "certificate" in call:
        context.load_cert_chain(f"{call['certificate']}.crt", f"{call['certificate']}.key")
    return context.wrap_socket(connection, server_hostname=call["tls"])


def _is_whole(received: bytes, call: Mapping[str, Any]) -> bool:
    if "to_end" in call:
        return False
    if "raw" in call or "hello" in call:
        return bool(received)
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if not end or call.get("then"):
        return False
    return str(call["request"]).startswith("HEAD") or (length is not None and len(body) >= int(length[1]))


def play(cases: Sequence[Case], ports: Mapping[str, int], log: Path, steady: Callable[[str], str]) -> dict[str, Outcome]:
    """Play cases one after the other; gives what came of each."""
    answers = {case.name: [answer for call in case.calls for answer in _play_call(call, ports[call["listener"]], steady)] for case in cases}
    count = sum(call.get("together", call["times"]) for case in cases for call in case.calls if "silent" not in call)
    wait_until(lambda: log.exists() and log.read_text().count("\n") >= count, f"{count} log lines", 5.0, log)
    lines = log.read_text().splitlines()
    return {name: {"answers": told, "lines": sorted(steady_line(line, steady) for line in lines if is_about(line, name))}
            for name, told in answers.items()}


def _play_call(call: Mapping[str, Any], port: int, steady: Callable[[str], str]) -> list[str]:
    """Make a call as often as it says, one after the other or all together."""
    def answer(_number: int) -> str:
        return steady(call_once(port, call))[:3 if "hello" in call else None]  # reason: no two hellos are the same

    if "together" not in call:
        return [answer(number) for number in range(call["times"])]
    with ThreadPoolExecutor(call["together"]) as pool:
        return sorted(pool.map(answer, range(call["together"])))


def is_about(text: str, name: str) -> bool:
    """Tell whether a text names the host of a case."""
    return re.search(rf"(?<![\w-]){name}\.test", text) is not None


def steady_line(line: str, steady: Callable[[str], str]) -> str:
    """Replace what differs from run to run in a log line."""
    fields = ISTIO_FIELDS.findall(line)
    for index in TIMES:
        if fields[index] not in ("-", '"-"'):
            fields[index] = "VARIES"
    return steady(" ".join(fields))


def steadier(names: Mapping[int, str]) -> Callable[[str], str]:
    """Return what replaces ids, times and ports in a text; upstreams keep their names."""
    def name_of(found: re.Match[str]) -> str:
        return f"127.0.0.{found[1]}:{names.get(int(found[2]), 'PORT')}"

    def steady(text: str) -> str:
        text = COOKIE.sub("=HASH", UUID.sub("UUID", VARYING.sub(r"\1: VARIES\2", text)))
        return re.sub(r"127\.0\.0\.(\d):(\d{4,5})", name_of, text)

    return steady


def shares(outcome: Outcome) -> dict[str, Counter[str]]:
    """Count which upstream answered, or which status; which flags are logged; and which upstream was asked, copies and tries among it."""
    found = (re.search(r"(?i)x-origin: (\w+)|^(v\d) ", answer) or re.match(r"HTTP/1.1 (\d{3})", answer) for answer in outcome["answers"])
    return {
        "answers": Counter(match[match.lastindex or 0] if match else "" for match in found),
        "flags": Counter(ISTIO_FIELDS.findall(line)[FLAGS] for line in outcome["lines"]),
        "requests": Counter(request.partition(":")[0] for request in outcome["requests"]),
    }


def make_files(folder: Path) -> dict[str, int]:
    """Make certificates; give the ports of the upstreams that speak TLS."""
    root = Authority("root")
    root.write(folder, "root")
    root.issue("a.test", "*.a.test").write(folder, "server")
    client, up = root.issue("client.test", "spiffe://x/client", common="client"), root.issue("up.test", "spiffe://x/up").write(folder, "up")
    client.write(folder, "client")
    Authority("stranger").issue("client.test").write(folder, "stranger")
    (folder / "revoked.crl").write_text(root.revoke(client))
    return {"tls": TlsOrigin(up).port, "mutual": TlsOrigin(up, str(folder / "root.crt")).port}


def outcomes(cases: list[Case], machine: str, folder: Path) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    """Play the cases of one world through both; gives what meshd and what Envoy made of each."""
    with ExitStack() as stack:
        origins = {name: TellingOrigin(name) for name in UPSTREAMS}
        for origin in origins.values():
            stack.callback(origin.close)
        dead, inbound = free_ports(2)
        ports = {**{name: origin.port for name, origin in origins.items()}, **make_files(folder), "dead": dead, "inbound": inbound}
        places = {**ports, "files": str(folder)}
        steady = steadier({port: name for name, port in ports.items()})
        cases = [attrs.evolve(case, calls=tuple(_placed(call, folder) for call in case.calls)) for case in cases]
        ours, theirs = (snapshot_of(cases, machine, folder / f"{name}.log", places) for name in ("meshd", "envoy"))
        listening = {name: listener.address.port for name, listener in theirs.listeners.items()}
        with running_envoy(folder, bootstrap(theirs, None), next(iter(listening.values()))):
            seen_by_envoy = _with_requests(play(cases, listening, folder / "envoy.log", steady), origins, steady)
        ours = attrs.evolve(ours, secrets=SecretFiles(str(folder)).find(secrets_wanted(ours)))
        worker = RunningWorker(ours, folder / "meshd.log", own_ports=True, own_address=own_address(machine_addresses()))
        stack.callback(worker.close)
        return _with_requests(play(cases, worker.ports, folder / "meshd.log", steady), origins, steady), seen_by_envoy


def _placed(call: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Give a call with the files of its certificate."""
    return {**call, "certificate": folder / call["certificate"]} if "certificate" in call else call


def _with_requests(found: dict[str, Outcome], origins: Mapping[str, TellingOrigin], steady: Callable[[str], str]) -> dict[str, Outcome]:
    """Add which requests reached which upstream, copies of others among them, and have the upstreams forget them."""
    read = sorted(steady(f"{name}: {request}") for name, origin in origins.items() for request in origin.requests)
    for origin in origins.values():
        origin.forget()
    return {name: {**outcome, "requests": [request for request in read if is_about(request, name)]} for name, outcome in found.items()}
