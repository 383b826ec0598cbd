"""An API server on loopback, with TLS, that answers as a test tells it to: with whatever bytes, as slowly as it likes."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers.certificates import Authority, Issued

Answer = Callable[[socket.socket, "Request"], None]
"""Writes to a connection what it likes; the connection is closed when it returns, unless `request.keep` was set."""


class Request:
    """
    One request as it came.

    Attributes:
        method: Its method.
        path: Its path and query.
        headers: By lower-case name.
        body: All of it.
        certificate: Subject of the client's certificate; empty: it has shown none.
        keep: Serve another request on the same connection.
    """

    def __init__(self, head: bytes, body: bytes, certificate: str) -> None:
        """Take a head apart."""
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _version = first.split(" ")
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.body = body
        self.certificate = certificate
        self.keep = False


class HostileApi:
    """
    Listens until it is closed.

    Attributes:
        authority: Has signed its certificate.
        url: Where it is.
        requests: What was asked.
        connections: How many were accepted.
    """

    def __init__(
        self, folder: Path, answer: Answer, *, issued: Issued | None = None, authority: Authority | None = None, asks_certificate: bool = False,
    ) -> None:
        """
        Begin to listen.

        Args:
            folder: For its files.
            answer: Answers each request.
            issued: Its certificate; by default a good one for 127.0.0.1.
            authority: Signs it, and clients' certificates.
            asks_certificate: Clients must show one.
        """
        self.authority = authority or Authority()
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        files = (issued or self.authority.issue("127.0.0.1")).write(folder, "server")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*files)
        if asks_certificate:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(cadata=self.authority.chain)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):  # it may be closed already
            self._listening.shutdown(socket.SHUT_RDWR)  # ends the waiting, which closing alone does not
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _peer = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=(accepted,), daemon=True).start()

    def _converse(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError), accepted:
            accepted.settimeout(20.0)
            with self._context.wrap_socket(accepted, server_side=True) as stream:
                while (request := self._read(stream)) is not None:
                    self.requests.append(request)
                    self.answer(stream, request)
                    if not request.keep:
                        return

    def _read(self, stream: ssl.SSLSocket) -> Request | None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = stream.recv(65536)
            if not data:
                return None
            head += data
        head, _, body = head.partition(b"\r\n\r\n")
        subject: Any = (stream.getpeercert() or {}).get("subject", ())
        name = next((value for part in subject for kind, value in part if kind == "commonName"), "")
        request = Request(head, body, name)
        while len(request.body) < int(request.headers.get("content-length", "0")):
            request.body += stream.recv(65536)
        return request


def reply(stream: socket.socket, body: object, status: str = "200 OK", headers: str = "") -> None:
    """Answer in good order; a body that is no bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    stream.sendall(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode() + content)


def say_no(stream: socket.socket, status: str, message: str = "", headers: str = "", **fields: object) -> None:
    """Answer with a `Status` object."""
    code, _, reason = status.partition(" ")
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason.replace(" ", ""), "code": int(code), "message": message}
    reply(stream, {**body, **fields}, status, headers)


def begin_stream(stream: socket.socket) -> None:
    """Begin an answer in chunks."""
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")


def send_chunk(stream: socket.socket, data: bytes) -> None:
    """Send a chunk; an empty one is the last."""
    stream.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
