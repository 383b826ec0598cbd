"""
Clients of their own, run inside a network namespace by the environment's Python as a file.

    held.py hold ADDRESS PORT COUNT      opens keep-alive connections with one request each, says `ready`, and keeps them until its input ends
    held.py probe ADDRESS PORT           asks every two milliseconds on one connection until its input ends, then prints the longest wait, seconds
"""

import select
import socket
import sys
import time

BATCH = 250
PAUSE = 0.002


def ask(connection: socket.socket, request: bytes) -> None:
    """
    Send a request and take its answer, which has a Content-Length.

    Raises:
        OSError: If it does not come.
    """
    connection.sendall(request)
    take(connection)


def take(connection: socket.socket) -> None:
    """
    Take one answer.

    Raises:
        OSError: If it does not come.
    """
    got = b""
    while b"\r\n\r\n" not in got:
        got += _receive(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    missing = int(fields[b"content-length"]) - len(body)
    while missing > 0:
        missing -= len(_receive(connection))


def hold(place: tuple[str, int], request: bytes, count: int) -> None:
    """Open connections in batches, each with one request, and keep them until the input ends."""
    connections: list[socket.socket] = []
    while len(connections) < count:
        batch = [socket.create_connection(place, 10) for _ in range(min(BATCH, count - len(connections)))]
        for connection in batch:
            connection.sendall(request)
        for connection in batch:
            take(connection)
        connections += batch
    print("ready", flush=True)
    sys.stdin.read()


def probe(place: tuple[str, int], request: bytes) -> None:
    """Ask again and again until the input ends; prints the longest wait."""
    connection = socket.create_connection(place, 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ask(connection, request)
    longest = 0.0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        began = time.monotonic()
        ask(connection, request)
        longest = max(longest, time.monotonic() - began)
    print(longest, flush=True)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise OSError("the connection was closed")
    return data


def main() -> None:
    """Do what the command line says."""
    mode, address, port, *count = sys.argv[1:]
    place = (address, int(port))
    request = f"GET / HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    if mode == "hold":
        hold(place, request, int(count[0]))
    else:
        probe(place, request)


if __name__ == "__main__":
    main()
