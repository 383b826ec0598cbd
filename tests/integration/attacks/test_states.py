"""Every state of an exchange, ended by FIN or RST of either side: one clear ending each, and nothing is left of it."""

import socket
import struct
import threading
from contextlib import suppress

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.origin import Origin
from tests.helpers.waiting import wait_for
from tests.integration.attacks.playing import Reader, read_log, world

ROUTES = RouteConfiguration("80", (VirtualHost("all", ("*",), (Route("default", RouteMatch(), RouteAction("back")),)),))
OK, HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"

# state -> what the client sends, what the upstream has received by then, what it sends
STATES = {
    "nothing sent": (b"", b"", b""),
    "within a head": (GET[:20], b"", b""),
    "before the last LF": (GET[:-1], b"", b""),
    "within a body": (POST + b"Content-Length: 10\r\n\r\nhello", b"hello", b""),
    "within a chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhello", b"hello", b""),
    "between chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"hello", b""),
    "waiting": (GET, b"\r\n\r\n", b""),
    "within an answer's head": (GET, b"\r\n\r\n", HALF[:20]),
    "after 100": (POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", b"\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "within an answer": (GET, b"\r\n\r\n", HALF),
    "within an answer in chunks": (GET, b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    "within an answer until close": (GET, b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello"),
    "another request sent along": (GET + GET, b"\r\n\r\n", HALF),
    "between requests": (GET, b"\r\n\r\n", OK),
}
FRESH, REQUEST = ("nothing sent", "between requests"), ("within a body", "within a chunk", "between chunks")
AFTER_HEAD = ("within an answer", "within an answer in chunks", "within an answer until close", "another request sent along")


def reset(end):
    """Close with RST."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


ENDINGS = {"FIN": lambda end: end.shutdown(socket.SHUT_WR), "close": lambda end: end.close(), "RST": reset}


def expected(state, side, ending):
    """Give status, flags and details of the line of the log; None where there is none."""
    if side == "client":
        return None if state in FRESH else ("200" if state in AFTER_HEAD else "0", "DC", "downstream_remote_disconnect")
    if state == "between requests":
        return None
    if state == "within an answer until close" and ending != "RST":
        return "200", "-", "via_upstream"
    if state in AFTER_HEAD:
        return "200", "UPE", "upstream_reset_after_response_started{protocol_error}"
    if state == "within an answer's head":
        return "502", "UPE", "upstream_reset_before_response_started{protocol_error}"
    return "503", "UC", "upstream_reset_before_response_started{connection_termination}"


class Stage:
    """A worker before an origin that does in each state what that says, and keeps its connections open."""

    def __init__(self, start, folder):
        """Serve one request, so that all that is made once has been made."""
        self.state = "between requests"
        self.reached, self.over = threading.Semaphore(0), threading.Event()
        self.origin = Origin(self._script)
        self.worker = start(world(folder, {"back": self.origin.port}, ROUTES, http=HttpConnectionManager("http")))
        self.log = folder / "log"
        self.sockets = self.worker.sockets()
        self.bring()[0].close()
        self.settle()
        self.lines(1)
        self.before = (self.worker.descriptors(), self.worker.counts().timers)

    def _script(self, connection):
        _, received, answer = STATES[self.state]
        while received not in connection.received and connection.read():
            pass
        connection.send(answer)
        self.reached.release()
        self.over.wait(10.0)  # reads nothing meanwhile: a read under way would keep the socket from being closed

    def bring(self):
        """Bring a client into the state; give it with its reader once both sides are there."""
        sends, received, answer = STATES[self.state]
        client = socket.create_connection(("127.0.0.1", self.worker.ports["http"]), 5.0)
        reader = Reader(client)
        client.sendall(sends)
        if received:
            assert self.reached.acquire(timeout=5.0)
        else:
            wait_for(lambda: self.worker.counts().connections == 1, "the connection is taken", 5.0)
        if len(answer) > 20:
            while not reader.data:
                assert reader.more()
        return client, reader

    def settle(self):
        """End what is left, and wait until the worker holds nothing: no connection of the origin either, which would be used again."""
        self.over.set()
        self.over = threading.Event()
        self.worker.wait_until_idle()
        wait_for(lambda: self.worker.sockets() == self.sockets, "every connection is closed", 5.0)

    def lines(self, count):
        """Give status, flags and details of lines of the log, once there are so many."""
        with suppress(AssertionError):
            wait_for(lambda: len(read_log(self.log)) >= count, "lines", 1.0)
        return [(line["status"], line["flags"].replace("None", "-"), line["details"]) for line in read_log(self.log)]


@pytest.fixture
def stage(start, tmp_path):
    """Give a stage."""
    made = Stage(start, tmp_path)
    yield made
    made.origin.close()


def test_every_state_ends_clearly(stage):
    """One line a cut exchange and none for others; the other side is closed; descriptors and timers are what they were."""
    wanted, names = stage.lines(1), ["the first"]
    for stage.state, (_, received, _) in STATES.items():
        for side, (ending, end) in [(side, ending) for side in ("client", "upstream") for ending in ENDINGS.items()]:
            if side == "upstream" and not received:
                continue
            client, _ = stage.bring()
            end(client if side == "client" else stage.origin.connections[-1].socket)
            line = expected(stage.state, side, ending)
            served = [("200", "-", "via_upstream")] if stage.state == "between requests" else []
            found = [*served, *([line] if line else [])]
            wanted += found
            names += [f"{stage.state}, {ending} of {side}"] * len(found)
            wait_for(lambda: stage.worker.counts().exchanges == 0, "the exchange ends", 5.0)
            if side == "client":
                stage.worker.wait_until_idle()
            client.close()
            stage.settle()
    found = stage.lines(len(wanted))
    assert [] == [(name, line, other) for name, line, other in zip(names, wanted, found, strict=False) if line != other]
    assert len(wanted) == len(found)
    wait_for(lambda: (stage.worker.descriptors(), stage.worker.counts().timers) == stage.before, f"{stage.before} descriptors and timers", 5.0)
