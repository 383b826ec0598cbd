"""However bytes are cut up on their way, the same request goes on, the same answer comes back and the same line is logged."""

import socket
import time
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.origin import Origin
from tests.helpers.waiting import wait_for
from tests.integration.attacks.playing import Reader, read_log, world

ROUTES = RouteConfiguration("80", (VirtualHost("all", ("*",), (Route("default", RouteMatch(), RouteAction("back")),)),))
ID = b"x-request-id: fixed\r\n"
REQUESTS = [
    b"GET /a HTTP/1.1\r\nHost: a\r\n" + ID + b"\r\n",
    b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" + ID + b"\r\nhello",
    b"POST /c HTTP/1.1\r\nHost: a\r\n" + ID + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: u\r\n\r\n",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: now\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: u\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nDate: now\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\nX: a\nb\r\n\r\nhello",
]
BAD = [
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nb\r\n\r\n", b"GET /\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
]
PAUSE = 0.002
"""Seconds between two pieces: long enough, mostly, for them to be read apart."""


def pieces(data, cuts):
    """Cut bytes at the places given."""
    places = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def is_whole(request):
    """Tell whether a request of those above has come whole."""
    head, mark, body = request.partition(b"\r\n\r\n")
    if b"content-length: 5" in head:
        return body == b"hello"
    return mark and (b"chunked" not in head or body.endswith(b"0\r\n\r\n"))


def send(end, data, cuts):
    """Send bytes in pieces, each in a packet of its own."""
    for number, piece in enumerate(pieces(data, cuts)):
        if number:
            time.sleep(PAUSE)  # reason: the pieces are to arrive one by one
        end.sendall(piece)


class Line:
    """A worker between a client and an origin, both of which cut up what they send."""

    def __init__(self, start, folder):
        """Begin with a connection and nothing asked."""
        self.answer, self.cuts = b"", []
        self.origin = Origin(self._script)
        self.worker = start(world(folder, {"back": self.origin.port}, ROUTES, http=HttpConnectionManager("http")))
        self.log = folder / "log"
        self.logged = 0

    def _script(self, connection):
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            connection.received = b""
            while not is_whole(connection.received):
                if not connection.read():
                    return
            self.got = self.got + connection.received
            send(connection.socket, self.answer, self.cuts)

    def ask(self, request, cuts, answer, answer_cuts, count=1):
        """Play; give what the origin got, as if chunks were one, the answers without their times, and what came after them."""
        self.got, self.answer, self.cuts = b"", answer, answer_cuts
        with socket.create_connection(("127.0.0.1", self.worker.ports["http"]), 5.0) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            send(client, request, cuts)
            reader = Reader(client)
            answers = [reader.answer() for _ in range(count)]
        self.logged += count
        for found in answers:
            found.headers.pop("date"), found.headers.pop("x-envoy-upstream-service-time", "")
        return joined(self.got), answers, reader.data

    def lines(self):
        """Give what was logged, once all is."""
        wait_for(lambda: len(read_log(self.log)) >= self.logged, "lines", 5.0)
        return [{**line, "peer": ""} for line in read_log(self.log)]


def joined(data):
    """Give messages with the chunks of each body joined to one."""
    done = b""
    while b"transfer-encoding: chunked\r\n\r\n" in data:
        head, mark, data = data.partition(b"transfer-encoding: chunked\r\n\r\n")
        done += head + mark
        while size := int(data.partition(b"\r\n")[0], 16):
            chunk = data.partition(b"\r\n")[2]
            done, data = done + chunk[:size], chunk[size + 2:]
        done, data = done + b"<end>", data.partition(b"\r\n\r\n")[2]
    return done + data


@pytest.fixture
def line(start, tmp_path):
    """Give a line."""
    made = Line(start, tmp_path)
    yield made
    made.origin.close()


CUTS = st.lists(st.integers(1, 400), min_size=1, max_size=4)


def test_nothing_depends_on_how_bytes_arrive(line):
    """Requests, answers, refusals and requests sent along, each first whole, then cut anywhere on both ways."""
    plays = [(request, answer, 1) for request in REQUESTS for answer in ANSWERS]
    plays += [(bad, b"", 1) for bad in BAD] + [(b"".join(REQUESTS), ANSWERS[1], 3), (REQUESTS[0] * 4, ANSWERS[0], 4)]
    whole, logged = [], []
    for request, answer, count in plays:
        before = line.logged
        whole.append(line.ask(request, [], answer, [], count))
        logged.append(line.lines()[before:])
    expected = line.lines()

    @settings(max_examples=120, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(number=st.integers(0, len(plays) - 1), cuts=CUTS, answer_cuts=CUTS)
    def check(number, cuts, answer_cuts):
        request, answer, count = plays[number]
        assert whole[number] == line.ask(request, cuts, answer, answer_cuts if answer else [], count)
        expected.extend(logged[number])

    check()
    assert expected == line.lines()


def test_every_split_of_a_head(line):
    """A head cut in two at every place is the same head."""
    request = REQUESTS[0]
    whole = line.ask(request, [], ANSWERS[0], [])
    assert [] == [place for place in range(1, len(request)) if whole != line.ask(request, [place], ANSWERS[0], [])]
    assert [line.lines()[0]] * len(request) == line.lines()


def test_every_split_of_an_answer(line):
    """An answer cut in two at every place, of its head and of its chunks, is the same answer."""
    whole = line.ask(REQUESTS[0], [], ANSWERS[1], [])
    assert [] == [place for place in range(1, len(ANSWERS[1])) if whole != line.ask(REQUESTS[0], [], ANSWERS[1], [place])]
    assert [line.lines()[0]] * len(ANSWERS[1]) == line.lines()
