"""An upstream that says back all that it reads, and otherwise does what requests ask for."""

import re
import time
from collections import Counter

from tests.helpers.origin import Origin, OriginConnection


class TellingOrigin(Origin):
    """
    An origin that plays no tricks unless it is asked to.

    Answers each request with its name and all that it read; bytes that are no HTTP come back after the name.

    A request's header `x-act` asks for something else: a status; `reset` or `close` instead of an answer; `slow 0.3` for a pause before it;
    `first 503` for a status the first time only (by the header `x-key`); `header NAME VALUE` for a header more;
    `bare` for an answer of no length; `count` for a header with how many requests its connection has brought.

    Attributes:
        name: In its answers.
        requests: What was read so far, but bytes that are no HTTP.
    """

    def __init__(self, name: str) -> None:
        """Listen."""
        self.name = name
        self.requests: list[str] = []
        self._seen: Counter[bytes] = Counter()
        super().__init__(self._tell)

    def forget(self) -> None:
        """Begin anew: nothing has been read."""
        self._seen.clear()
        self.requests.clear()

    def _tell(self, one: OriginConnection) -> None:
        brought = 0
        while one.read():
            if b" HTTP/1.1\r\n" not in one.received:
                one.send(self.name.encode() + b" " + one.received)
                one.received = b""
            elif self._is_whole(one.received):
                request, one.received = one.received, b""
                brought += 1
                if not self._answer(one, request, brought):
                    return

    @staticmethod
    def _is_whole(received: bytes) -> bool:
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if b"transfer-encoding: chunked" in head.lower():
            return body.endswith(b"0\r\n\r\n")
        return bool(end) and (length is None or len(body) >= int(length[1]))

    def _answer(self, one: OriginConnection, request: bytes, brought: int) -> bool:
        """Answer a request, the `brought`-th of its connection; gives whether the connection goes on."""
        self.requests.append(request.decode("latin-1"))
        head = request.partition(b"\r\n\r\n")[0]
        asked = re.search(rb"(?i)\r\nx-act: ([^\r]*)", head)
        act = asked[1].split() if asked else []
        if act[:1] == [b"first"]:
            key = re.search(rb"(?i)\r\nx-key: ([^\r]*)", head)
            self._seen[key[1] if key else b""] += 1
            act = act[1:] if self._seen[key[1] if key else b""] == 1 else []
        if act[:1] == [b"reset"]:
            one.reset()
            return False
        if act[:1] == [b"close"]:
            return False
        if act[:1] == [b"bare"]:
            one.send(b"HTTP/1.1 200 OK\r\n\r\n")
            return head.startswith(b"HEAD")
        if act[:1] == [b"slow"]:
            time.sleep(float(act[1]))  # reason: what is asked for is that it takes time
        status = act[0] if act and act[0].isdigit() else b"200"
        more = b"%s: %s\r\n" % (act[1], act[2]) if act[:1] == [b"header"] else b"x-count: %d\r\n" % brought if act[:1] == [b"count"] else b""
        if b"upgrade: websocket" in head.lower():
            one.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Origin: %s\r\n\r\n" % self.name.encode())
            self._echo(one)
            return False
        if status in (b"204", b"304"):
            one.send(b"HTTP/1.1 %s Said\r\nX-Origin: %s\r\n\r\n" % (status, self.name.encode()))
            return True
        body = b"" if head.startswith(b"HEAD") else request
        one.send(b"HTTP/1.1 %s Said\r\nX-Origin: %s\r\nX-Up: 1\r\nServer: origin\r\n%sContent-Length: %d\r\n\r\n%s" % (
            status, self.name.encode(), more, len(request), body))
        return True

    @staticmethod
    def _echo(one: OriginConnection) -> None:
        one.received = b""
        while one.read():
            one.send(one.received)
            one.received = b""
