"""What kubectl asks a node for through the API server: `kubectl logs` and `kubectl exec`."""

import base64
import contextlib
import hashlib
import json
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from tests.helpers.certificates import Issued
from tests.kubernetes.kubelet.container import Container
from tests.kubernetes.kubelet.pod import Pod

Find = Callable[[str, str], Pod | None]

PROTOCOL = "v5.channel.k8s.io"
STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255  # channels of that protocol: the first byte of each message
BINARY, CLOSING, PING, PONG = 2, 8, 9, 10  # RFC 6455, section 5.2
FOLLOW = 0.05  # seconds between two looks at a log that is followed


class StreamingServer:
    """
    Serves HTTPS for the API server.

    Attributes:
        port: Its own.
    """

    def __init__(self, address: str, certificate: Issued, folder: Path, find: Find) -> None:
        """Listen; `find` gives a pod by namespace and name."""
        class Answer(_Answer):
            pods = staticmethod(find)

        self._server = ThreadingHTTPServer((address, 0), Answer)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate.write(folder, "kubelet"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def start(self) -> None:
        """Serve, in threads."""
        threading.Thread(target=self._server.serve_forever, daemon=True, name="streaming").start()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pods: Find

    def do_GET(self) -> None:
        """Answer for a container: `/containerLogs/NAMESPACE/POD/CONTAINER` or `/exec/...`."""
        url = urlsplit(self.path)
        what, namespace, name, container = (*url.path.strip("/").split("/"), "", "", "", "")[:4]
        pod = self.pods(namespace, name)
        found = pod.containers.get(container) if pod else None
        if found is None or what not in ("containerLogs", "exec"):
            self.send_error(404)
            return
        query = parse_qs(url.query)
        if what == "containerLogs":
            self._send_log(found, query)
        else:
            self._execute(found, query["command"])

    def _send_log(self, container: Container, query: dict[str, list[str]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with container.log.open("rb") as log:
            lines = log.readlines()
            if "tailLines" in query:
                lines = lines[-int(query["tailLines"][0]) or len(lines) :]
            self._chunk(b"".join(lines))
            while query.get("follow") == ["true"]:
                ended = container.has_said_all()
                self._chunk(log.read())
                if ended:
                    break
                time.sleep(FOLLOW)  # reason: files tell of nothing
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, piece: bytes) -> None:
        if piece:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def _execute(self, container: Container, command: list[str]) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", PROTOCOL)
        self.end_headers()
        self.close_connection = True
        _Execution(self.rfile, self.wfile, container.execute(command)).run()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Execution:
    """One command whose streams go over a WebSocket."""

    def __init__(self, reading: Any, writing: Any, process: "subprocess.Popen[bytes]") -> None:
        self._reading = reading
        self._writing = writing
        self._process = process
        self._lock = threading.Lock()

    def run(self) -> None:
        """Carry the streams until the command has ended, then tell its exit status."""
        assert self._process.stdout is not None and self._process.stderr is not None
        threading.Thread(target=self._listen, daemon=True).start()
        streams = [threading.Thread(target=self._carry, args=(STDOUT, self._process.stdout)),
                   threading.Thread(target=self._carry, args=(STDERR, self._process.stderr))]
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.join()
        status = self._process.wait()
        told: dict[str, Any] = {"metadata": {}, "status": "Success"}
        if status:
            details = {"causes": [{"reason": "ExitCode", "message": str(status)}]}
            told |= {"status": "Failure", "reason": "NonZeroExitCode", "message": f"exit status {status}", "details": details}
        self._send(BINARY, bytes([ERROR]) + json.dumps(told).encode())
        self._send(CLOSING, struct.pack(">H", 1000))

    def _carry(self, channel: int, source: BinaryIO) -> None:
        while piece := source.read1(32768):  # type: ignore[attr-defined]  # reason: a pipe is buffered
            self._send(BINARY, bytes([channel]) + piece)

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # reason: the command, or the client, is gone; `run` sees it
            self._feed()

    def _feed(self) -> None:
        """Give the command what the client sends."""
        stdin = self._process.stdin
        assert stdin is not None
        while (message := self._receive()) is not None:
            kind, content = message
            if kind == PING:
                self._send(PONG, content)
            elif kind == CLOSING:
                break
            elif content[:1] == bytes([STDIN]):
                stdin.write(content[1:])
                stdin.flush()
            elif content == bytes([CLOSE, STDIN]):
                stdin.close()

    def _receive(self) -> tuple[int, bytes] | None:
        head = self._reading.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(self._reading.read(2 if size == 126 else 8), "big")
        mask = self._reading.read(4) if head[1] & 0x80 else b"\0\0\0\0"
        content = self._reading.read(size)
        return head[0] & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))

    def _send(self, kind: int, content: bytes) -> None:
        size = len(content)
        length = bytes([size]) if size < 126 else struct.pack(">BH", 126, size) if size < 65536 else struct.pack(">BQ", 127, size)
        with self._lock:
            self._writing.write(bytes([0x80 | kind]) + length + content)
            self._writing.flush()
