"""Questions at a steady rate from many sockets, and how many of them were not answered."""

import selectors
import socket
import time
from collections.abc import Callable

from tests.helpers.dns_messages import query

SOCKETS = 64  # the kernel gives each to one worker or the other
PATIENCE = 1.0  # seconds that an answer may take


def lost_questions(place: tuple[str, int], name: str, rate: int, seconds: float, halfway: Callable[[], None]) -> tuple[int, int]:
    """
    Ask, and do something halfway; gives how many questions there were, and how many had no answer a second after the last.

    Args:
        place: Address and port.
        name: What is asked for.
        rate: Questions a second.
        seconds: For how long.
        halfway: Called once.
    """
    waiting: set[int] = set()
    sent, total = 0, int(rate * seconds)
    with selectors.DefaultSelector() as selector:
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in range(SOCKETS)]
        try:
            for client in clients:
                client.connect(place)
                selector.register(client, selectors.EVENT_READ)
            start = time.monotonic()
            while sent < total or (waiting and time.monotonic() < start + seconds + PATIENCE):
                due = min(total, int((time.monotonic() - start) * rate))
                if sent < total // 2 <= due:
                    halfway()
                for number in range(sent, due):
                    clients[number % SOCKETS].send(query(name, number=number % 65536))
                    waiting.add(number % 65536)
                sent = due
                for key, _ in selector.select(0.001):
                    waiting.discard(int.from_bytes(key.fileobj.recv(4096)[:2], "big"))  # type: ignore[union-attr]  # reason: it is a socket
        finally:
            for client in clients:
                client.close()
    return total, len(waiting)
