"""
A gRPC probe: a workload whose grpc.health.v1 service answers SERVING is well.

Of HTTP/2 this needs five kinds of frames and none of the answer's headers, since the message tells everything: what has no message is not well.
"""

from collections.abc import Callable

from meshd.base.addresses import is_ipv6
from meshd.model.workload_group import Probe
from meshd.registry.probes.target import Conversation, Target, converse

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7  # types of frames, RFC 9113 section 6
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8  # flags of frames
NO_PUSH = b"\x00\x02\x00\x00\x00\x00"  # SETTINGS_ENABLE_PUSH = 0
MOST_FRAME = 16384  # bytes: as nobody was told otherwise
SERVING = 1
STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
NO_MESSAGE = "expected an answer of grpc.health.v1, got none; the server may not have that service, or not know the name that is asked for"


async def probe_grpc(probe: Probe, target: Target) -> str:
    """
    Call grpc.health.v1.Health/Check over HTTP/2 without TLS.

    Raises:
        Exception: As connecting does.
    """
    reader = AnswerReader()
    conversation = Conversation(target.reactor, call_of(probe.service, target.address, probe.port), reader.read)
    reader.write = conversation.write
    return await converse(target.endpoint("", probe.port), conversation)


def call_of(service: str, host: str, port: int) -> bytes:
    """Give the bytes of a whole call."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    authority = f"[{host}]:{port}" if is_ipv6(host) else f"{host}:{port}"
    headers = (
        (":method", "POST"), (":scheme", "http"), (":path", "/grpc.health.v1.Health/Check"), (":authority", authority),
        ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "meshd-probe"),
    )
    return b"".join((
        PREFACE, frame(SETTINGS, 0, 0, NO_PUSH),
        frame(HEADERS, END_HEADERS, 1, b"".join(b"\x10" + _text(name) + _text(value) for name, value in headers)),
        frame(DATA, END_STREAM, 1, b"\x00" + len(message).to_bytes(4) + message),
    ))


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Give the bytes of a frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


class AnswerReader:
    """
    Reads frames until the answer is there.

    Attributes:
        write: Sends what the peer must be told.
    """

    write: Callable[[bytes], object]

    def __init__(self, write: Callable[[bytes], object] = lambda words: None) -> None:
        """Begin."""
        self.write = write
        self._bytes = b""
        self._message = b""

    def read(self, more: bytes) -> str | None:
        """Take the next bytes; give the verdict once there is one."""
        self._bytes += more
        while len(self._bytes) >= 9:
            length = int.from_bytes(self._bytes[:3])
            if length > MOST_FRAME:
                return "expected a frame of HTTP/2, got something else"
            if len(self._bytes) < 9 + length:
                return None
            kind, flags, stream = self._bytes[3], self._bytes[4], int.from_bytes(self._bytes[5:9]) & 0x7FFFFFFF
            payload, self._bytes = self._bytes[9 : 9 + length], self._bytes[9 + length :]
            verdict = self._take(kind, flags, stream, payload)
            if verdict is not None:
                return verdict
        return None

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> str | None:
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.write(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == GOAWAY:
            return f"the server ended the connection, code {int.from_bytes(payload[4:8])}"
        elif stream == 1 and kind == RST_STREAM:
            return f"the server ended the call, code {int.from_bytes(payload[:4])}"
        elif stream == 1 and kind == DATA:
            self._message += payload[1 : len(payload) - payload[0]] if flags & PADDED and payload else payload
        if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
            return verdict_of(self._message)
        return None


def verdict_of(answer: bytes) -> str:
    """Give the verdict of a call's whole answer: one message with its length before it."""
    if len(answer) < 5 or answer[0] or len(answer) != 5 + int.from_bytes(answer[1:5]):
        return NO_MESSAGE
    status = _status_of(answer[5:])
    if status == SERVING:
        return ""
    return f"answered {STATUSES[status] if 0 <= status < len(STATUSES) else 'with something else than a status'}"


def _status_of(message: bytes) -> int:
    """Read the only field of HealthCheckResponse; -1 where there is something else, 0 (UNKNOWN) where there is nothing."""
    status = 0
    while message:
        if message[0] != 0x08 or len(message) < 2 or message[1] > 0x7F:
            return -1
        status, message = message[1], message[2:]
    return status


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _text(text: str) -> bytes:
    """Give a text as HPACK has it, without Huffman's code (RFC 7541, 5.2): its length is an integer with a prefix of seven bits."""
    content = text.encode()
    length = bytes((len(content),)) if len(content) < 0x7F else b"\x7f" + _varint(len(content) - 0x7F)
    return length + content
