"""A worker on real sockets: TCP, first bytes, and limits of descriptors."""

import gc
import hashlib
import os
import socket
import threading
import time

import attrs
import pytest

from meshd.base.addresses import SocketAddress
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.listener import Listener, ListenerFilter
from meshd.snapshot.network_filter import AccessLog, HttpConnectionManager, TcpProxy
from meshd.worker.descriptors import next_descriptor
from meshd.worker.service import DataPlaneSettings
from tests.helpers.origin import Origin
from tests.helpers.raw_client import RawClient
from tests.helpers.running_worker import RunningWorker
from tests.helpers.waiting import wait_for
from tests.helpers.worker_rig import CLUSTER, snapshot

ANY = "0.0.0.0"


@pytest.fixture
def serve(tmp_path):
    """Give a maker of workers in front of an origin with a script; all end with the test."""
    made = []

    def build(script, settings=None, port=None):
        origin = Origin(script)
        logs = (AccessLog(str(tmp_path / "log")),)
        base = snapshot(endpoints=(("127.0.0.1", port or origin.port),), log=str(tmp_path / "log"))
        http = FilterChain("http", FilterChainMatch(application_protocols=("http/1.1", "h2c")), HttpConnectionManager("h", "80", access_logs=logs))
        tcp = FilterChain("tcp", FilterChainMatch(), TcpProxy("t", CLUSTER, access_logs=logs))
        inspectors = (ListenerFilter("tls_inspector"), ListenerFilter("http_inspector"))
        sniff = Listener("sniff", SocketAddress(ANY, 9), (http,), tcp, bind_to_port=True, listener_filters=inspectors)
        worker = RunningWorker(attrs.evolve(base, listeners={**base.listeners, "sniff": sniff}), tmp_path / "log", settings)
        made.extend([worker, origin])
        return worker, origin

    yield build
    for one in made:
        one.close()


def echo(one):
    """Send back what comes, then half-close."""
    while data := one.read():
        one.send(data)


def fields(line):
    """Give flags, bytes received and sent of a TCP line."""
    parts = line.split(" ")
    return parts[5], int(parts[9]), int(parts[10])


@pytest.mark.parametrize("listener", ["tcp", "sniff"])
def test_echo(serve, listener):
    """Bytes both ways, half-closed by the client, then by the upstream."""
    worker, _ = serve(echo)
    client = RawClient(worker.ports[listener])
    client.send(b"\x00hello")
    client.read_until(b"hello")
    client.half_close()
    assert ("fin", b"\x00hello") == (client.end(), client.data)
    assert ("-", 6, 6) == fields(worker.lines(1)[0])


@pytest.mark.parametrize(("first", "state"), [(b"hello", "reset"), (b"", "fin")])
def test_a_refused_upstream(serve, first, state):
    """UF,URX; a client whose bytes had arrived by then sees a reset (E.refused, E.refused-silent)."""
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    worker, _ = serve(echo, port=port)
    client = RawClient(worker.ports["tcp"])
    if first:
        client.send(first)
    assert client.end() in {state, "fin"}
    assert ("UF,URX", 0, 0) == fields(worker.lines(1)[0])


def test_resets_are_passed_on(serve):
    """The upstream's reset reaches the client (UR), the client's the upstream."""
    delivered = threading.Event()
    worker, _ = serve(lambda one: (one.read(), one.send(b"x"), delivered.wait(3.0), one.reset()))
    client = RawClient(worker.ports["tcp"])
    client.send(b"hello")
    client.read_until(b"x")
    delivered.set()
    assert "reset" == client.end()
    assert ("UR", 5, 1) == fields(worker.lines(1)[0])


def test_a_clients_reset_reaches_the_upstream(serve):
    """The origin's next read fails."""
    seen = []

    def script(one):
        one.read()
        one.send(b"x")
        try:
            seen.append(one.socket.recv(10))
        except ConnectionResetError:
            seen.append("reset")

    worker, _ = serve(script)
    client = RawClient(worker.ports["tcp"])
    client.send(b"hello")
    client.read_until(b"x")
    client.reset()
    worker.lines(1)
    wait_for(lambda: seen, "the origin has read", 3.0)
    assert ["reset"] == seen


def test_bulk_is_spliced_unharmed(serve):
    """A hundred megabytes each way arrive as they were sent, and are counted."""
    size = 100 << 20
    block = os.urandom(1 << 20)
    digests = []

    def script(one):
        digest = hashlib.sha1(usedforsecurity=False)
        sender = threading.Thread(target=lambda: [one.send(block) for _ in range(size >> 20)])
        sender.start()
        got = 0
        one.socket.settimeout(20)
        while got < size:
            data = one.socket.recv(1 << 18)
            if not data:
                break
            digest.update(data)
            got += len(data)
        sender.join()
        digests.append(digest.hexdigest())

    worker, _ = serve(script)
    client = RawClient(worker.ports["tcp"], timeout=20)
    sender = threading.Thread(target=lambda: [client.send(block) for _ in range(size >> 20)])
    sender.start()
    digest, got = hashlib.sha1(usedforsecurity=False), 0
    while got < size:
        data = client.socket.recv(1 << 18)
        digest.update(data)
        got += len(data)
    sender.join()
    client.half_close()
    client.end()
    wanted = hashlib.sha1(block * (size >> 20), usedforsecurity=False).hexdigest()
    assert ([wanted], wanted, ("-", size, size)) == (digests, digest.hexdigest(), fields(worker.lines(1)[0]))


@pytest.mark.parametrize(("who", "flags"), [("upstream", "UR"), ("client", "-")])
def test_what_was_spliced_before_a_reset_is_counted(serve, who, flags):
    """Bytes that moved through the kernel stand in the line, whoever resets."""
    size, done = 32 << 20, threading.Event()
    block = bytes(1 << 20)

    def script(one):
        one.read()
        for _ in range(size >> 20):
            one.send(block)
        done.wait(10.0)
        if who == "upstream":
            one.reset()
        else:
            one.read()

    worker, _ = serve(script)
    client = RawClient(worker.ports["tcp"], timeout=20)
    client.send(b"hello")
    got = 0
    while got < size:
        got += len(client.socket.recv(1 << 18))
    done.set()
    if who == "client":
        client.reset()
    else:
        assert "reset" == client.end()
    assert (flags, 5, size) == fields(worker.lines(1)[0])


def test_half_a_client_hello_costs_nothing(serve):
    """While the rest of a ClientHello is awaited the worker sleeps: a peek alone would spin."""
    worker, _ = serve(echo)
    client = RawClient(worker.ports["sniff"])
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40))
    time.sleep(0.3)  # reason: what is measured is how often it wakes in a time
    before = worker.plane._poller.batch
    time.sleep(0.5)  # reason: that time
    assert worker.plane._poller.batch - before < 5
    client.close()


def test_a_client_hello_byte_by_byte_is_forwarded_whole(serve):
    """TLS to a listener without a TLS chain is TCP; the upstream gets every byte once."""
    worker, _ = serve(echo)
    client = RawClient(worker.ports["sniff"])
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    for byte in hello:
        client.send(bytes((byte,)))
        time.sleep(0.01)  # reason: the pace of a slow client; faster ones arrive together
    assert hello == client.read_until(hello)


def test_http_byte_by_byte(serve):
    """A client that sends one byte at a time is recognised and served."""
    worker, _ = serve(lambda one: (one.read_head(), one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), one.read()))
    client = RawClient(worker.ports["sniff"])
    for byte in b"GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n":
        client.send(bytes((byte,)))
        time.sleep(0.002)  # reason: the pace of a slow client
    assert client.read_until(b"\r\n\r\nok").startswith(b"HTTP/1.1 200 OK")


@pytest.fixture
def no_holes():
    """Leave no number free below the highest descriptor, so that the next one's tells how many there are, whatever tests before this one left."""
    gc.collect()
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    plugs = [os.open("/dev/null", os.O_RDONLY)]
    while plugs[-1] < highest:
        plugs.append(os.open("/dev/null", os.O_RDONLY))
    yield
    for plug in plugs:
        os.close(plug)


def test_accepting_pauses_when_descriptors_are_scarce(serve, no_holes):
    """Clients beyond the limit wait in the kernel's queue; they are served when others have gone."""
    settings = DataPlaneSettings(descriptor_limit=next_descriptor() + 32 + 40)
    worker, _ = serve(echo, settings)
    clients = [RawClient(worker.ports["tcp"]) for _ in range(60)]
    for number, client in enumerate(clients):
        client.send(b"%04d" % number)
    wait_for(lambda: worker.plane.status().paused, "accepting pauses", 3.0)
    paused = worker.plane.status().paused
    answers = []
    for number, client in enumerate(clients):
        client.read_until(b"%04d" % number)
        answers.append(client.data == b"%04d" % number)
        client.close()
    assert (True, [True] * 60) == (paused, answers)


def test_connections_leave_nothing_behind(serve):
    """After many connections no descriptor is left."""
    worker, _origin = serve(echo)
    RawClient(worker.ports["tcp"]).close()
    worker.lines(1)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        client = RawClient(worker.ports["tcp"])
        client.send(b"x")
        client.read_until(b"x")
        client.close()
    worker.lines(101)
    wait_for(lambda: worker.plane.status().connections == 0, "all are closed", 3.0)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert 0 == worker.plane.status().connections
