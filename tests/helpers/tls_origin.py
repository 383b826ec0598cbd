"""Origins that speak TLS, or plain HTTP where TLS is asked for: they answer with the head that they got, and what was asked of them."""

import contextlib
import json
import socket
import ssl
import threading


class TlsOrigin:
    """
    Listens on a port of its own until the test's process ends; one request a connection.

    Attributes:
        port: Where.
    """

    def __init__(self, files: tuple[str, str] | None = None, client_roots: str = "", latest: ssl.TLSVersion | None = None) -> None:
        """
        Begin to listen.

        Args:
            files: Certificate and key; None: it speaks plain HTTP.
            client_roots: File of the roots that clients need a certificate of; empty: they need none.
            latest: Version of TLS, at most.
        """
        self._context: ssl.SSLContext | None = None
        if files is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*files)
            if client_roots:
                self._context.verify_mode = ssl.CERT_REQUIRED
                self._context.load_verify_locations(client_roots)
            if latest is not None:
                self._context.maximum_version = latest
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            accepted, _peer = self._listening.accept()
            threading.Thread(target=self._answer, args=(accepted,), daemon=True).start()

    def _answer(self, accepted: socket.socket) -> None:
        asked: list[str | None] = []
        with contextlib.suppress(OSError), accepted:
            accepted.settimeout(5.0)
            stream: socket.socket = accepted
            if self._context is not None:
                self._context.sni_callback = lambda _socket, name, _context: asked.append(name)
                stream = self._context.wrap_socket(accepted, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                data = stream.recv(65536)
                if not data:
                    return
                head += data
                if head.startswith(b"\x16"):  # a ClientHello
                    stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    return
            body = json.dumps({"head": head.decode(), "asked": asked}).encode()
            stream.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            if isinstance(stream, ssl.SSLSocket):
                stream.unwrap()
