"""Back ends that read requests each in their own way, and tell what they took for one: strict, lenient, and a recorder of bytes."""

import json
import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import attrs
import h11

from tests.helpers.origin import Origin

NODE = """
const http = require('node:http');
const server = http.createServer({insecureHTTPParser: true, requireHostHeader: false, keepAlive: true}, (request, response) => {
  const pieces = [];
  request.on('data', piece => pieces.push(piece));
  request.on('end', () => {
    const id = request.headers['x-request-id'] ?? '', body = Buffer.concat(pieces);
    console.log(JSON.stringify([request.method, request.url, request.headers.host ?? '', id, body.toString('latin1')]));
    response.end(request.method + ' ' + request.url + ' ' + id);
  });
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


@attrs.frozen(order=True)
class Seen:
    """One whole request, as a back end read it."""

    request_id: str
    method: str
    target: str
    host: str
    body: bytes


def answer_to(seen: Seen) -> bytes:
    """Give the body of an answer, by which its reader knows whose it is."""
    return f"{seen.method} {seen.target} {seen.request_id}".encode("latin-1")


class BackEnd:
    """
    Reads requests in one way, in threads.

    Attributes:
        port: Of 127.0.0.1.
        seen: What it took for requests, in order.
        streams: The bytes of each connection.
    """

    def __init__(self) -> None:
        """Listen."""
        self.seen: list[Seen] = []
        self.streams: list[bytearray] = []
        self._origin = Origin(lambda connection: self.serve(Recorded(connection.socket, self.streams)))
        self.port = self._origin.port

    def serve(self, connection: "Recorded") -> None:
        """Read requests and answer them until the connection ends."""
        raise NotImplementedError

    def close(self) -> None:
        """Take no more connections."""
        self._origin.close()


class Recorded:
    """A connection whose bytes are kept."""

    def __init__(self, connection: socket.socket, streams: list[bytearray]) -> None:
        """Begin a stream."""
        self.socket = connection
        connection.settimeout(60.0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = bytearray()
        streams.append(self.stream)

    def read(self) -> bytes:
        """Give what comes; empty at the end."""
        with suppress(OSError):
            data = self.socket.recv(65536)
            self.stream += data
            return data
        return b""


class Strict(BackEnd):
    """h11, which follows the grammar."""

    def serve(self, connection: Recorded) -> None:
        """Read by h11's events."""
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=200_000)
        head, body = None, b""
        while True:
            event = reader.next_event()
            if event is h11.NEED_DATA:
                reader.receive_data(connection.read())
            elif isinstance(event, h11.Request):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
                seen = Seen(headers.get("x-request-id", ""), head.method.decode(), head.target.decode("latin-1"), headers.get("host", ""), body)
                self.seen.append(seen)
                text = b"" if head.method == b"HEAD" else answer_to(seen)
                answer = h11.Response(status_code=200, headers=[("content-length", str(len(text)))] if text else [])
                connection.socket.sendall(b"".join(filter(None, (reader.send(part) for part in (answer, h11.Data(data=text), h11.EndOfMessage())))))
                if reader.our_state is h11.MUST_CLOSE:
                    return
                reader.start_next_cycle()
            else:
                return


class Lenient(BackEnd):
    """Python's http.server, which takes LF for CRLF, folds and whatever int() takes; its application reads bodies by whichever header it finds."""

    def serve(self, connection: Recorded) -> None:
        """Read by a request handler of the standard library."""
        back_end = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.rfile = Peeked(connection)

            def __getattr__(self, name: str) -> object:
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def answer(self) -> None:
                body = read_body(self.rfile, self.headers)
                if body is None:
                    self.close_connection = True
                    return
                seen = Seen(self.headers.get("x-request-id", ""), self.command, self.path, self.headers.get("host", ""), body)
                back_end.seen.append(seen)
                text = answer_to(seen)
                self.send_response(200)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else text)

            def log_message(self, *arguments: object) -> None:
                pass

        Handler(connection.socket, connection.socket.getpeername(), None)  # type: ignore[arg-type]


class Peeked:
    """A file of a recorded connection."""

    closed = False

    def __init__(self, connection: Recorded) -> None:
        """Begin with nothing read."""
        self._connection = connection
        self._held = b""

    def readline(self, limit: int = -1) -> bytes:
        """Give a line; what there is at the end."""
        while b"\n" not in self._held and (more := self._connection.read()):
            self._held += more
        end = self._held.find(b"\n") + 1 or len(self._held)
        line, self._held = self._held[:end], self._held[end:]
        return line

    def read(self, size: int) -> bytes:
        """Give so many bytes, fewer at the end."""
        while len(self._held) < size and (more := self._connection.read()):
            self._held += more
        data, self._held = self._held[:size], self._held[size:]
        return data

    def close(self) -> None:
        """Do nothing: the connection is closed by others."""


def read_body(file: Peeked, headers: "object") -> bytes | None:
    """Read a body as forgivingly as applications do; None if it is cut short."""
    coding = headers.get("transfer-encoding", "")
    if "chunked" not in coding.lower():
        size = int(headers.get("content-length") or "0")
        body = file.read(size)
        return body if len(body) == size else None
    body = b""
    while line := file.readline():
        size = int(line.split(b";")[0], 16)
        if not size:
            while (line := file.readline()) not in (b"\r\n", b"\n", b""):
                pass
            return body if line else None
        body += file.read(size)
        file.readline()
    return None


class Recorder(BackEnd):
    """Splits a connection's bytes at what meshd writes and nothing else: a head in CRLF lines, then exactly the body that it announces."""

    def serve(self, connection: Recorded) -> None:
        """Read byte for byte."""
        file = Peeked(connection)
        while True:
            lines = []
            while (line := file.readline()) not in (b"\r\n", b""):
                assert line.endswith(b"\r\n"), line
                lines.append(line[:-2].decode("latin-1"))
            if not line:
                return
            method, target, version = lines[0].split(" ")
            headers = dict(line.split(": ", 1) for line in lines[1:])
            assert version == "HTTP/1.1"
            assert len({"content-length", "transfer-encoding"} & headers.keys()) < 2
            body = read_body(file, headers)
            if body is None:
                return
            seen = Seen(headers.get("x-request-id", ""), method, target, headers["host"], body)
            self.seen.append(seen)
            text = answer_to(seen)
            connection.socket.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + (b"" if method == "HEAD" else text))


class Node:
    """Node's http with its insecure parser, where there is a Node."""

    streams: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(["node", "--max-http-header-size=200000", "-e", NODE], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.seen: list[Seen] = []
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        for line in self._process.stdout:
            method, target, host, request_id, body = json.loads(line)
            self.seen.append(Seen(request_id, method, target, host, body.encode("latin-1")))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10.0)
        self._thread.join()
        self._process.stdout.close()


BACK_ENDS = {"h11": Strict, "http.server": Lenient, "recorder": Recorder, "node": Node}


def missing(name: str) -> bool:
    """Tell whether a back end cannot be had here."""
    return name == "node" and shutil.which("node") is None
