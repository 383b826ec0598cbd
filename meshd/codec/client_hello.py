"""Read server name and protocols out of a TLS ClientHello (RFC 8446, section 4.1.2) without ending TLS."""

from typing import Final

import attrs

MAX_HELLO_BYTES: Final = 64 * 1024
"""What is looked at; a longer hello is no hello."""
MAX_RECORD_BYTES: Final = 1 << 14
MAX_PROTOCOLS: Final = 64

HANDSHAKE: Final = 22
CLIENT_HELLO: Final = 1
SERVER_NAME: Final = 0  # RFC 6066, section 3
ALPN: Final = 16  # RFC 7301, section 3.1

NAME_BYTES: Final = b"-._0123456789abcdefghijklmnopqrstuvwxyz"


@attrs.frozen
class ClientHello:
    """
    What a client says before TLS begins.

    Attributes:
        server_name: SNI, lower case; empty without one, or with one that is no host name.
        application_protocols: ALPN's names, in order.
        well_formed: False for bytes that are no ClientHello: the connection is not TLS.
    """

    server_name: str = ""
    application_protocols: tuple[str, ...] = ()
    well_formed: bool = True


NO_HELLO: Final = ClientHello(well_formed=False)


class _Cut(Exception):
    """A field reaches beyond its end."""


class _Fields:
    """Takes fields off the front of bytes, each within bounds."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._data)

    def take(self, size: int) -> bytes:
        """Take so many bytes."""
        end = self._place + size
        if end > len(self._data):
            raise _Cut
        part = self._data[self._place:end]
        self._place = end
        return part

    def number(self, size: int) -> int:
        """Take an integer of so many bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> "_Fields":
        """Take a vector whose length stands before it, in so many bytes."""
        return _Fields(self.take(self.number(size)))

    def rest(self) -> bytes:
        """Take all that is left."""
        return self.take(len(self._data) - self._place)


def read_client_hello(data: bytes) -> ClientHello | None:
    """
    Read a ClientHello from the first bytes of a connection.

    Returns:
        None when more bytes are needed. Whatever the bytes are, nothing is raised, and an answer stays the same when more bytes come.
    """
    message = _join_records(data[:MAX_HELLO_BYTES])
    if message is None:
        return NO_HELLO
    if message and message[0] != CLIENT_HELLO:
        return NO_HELLO
    length = int.from_bytes(message[1:4], "big") if len(message) >= 4 else 0
    if length > MAX_HELLO_BYTES:
        return NO_HELLO
    if len(message) < 4 or len(message) < 4 + length:
        return None if len(data) < MAX_HELLO_BYTES else NO_HELLO
    try:
        return _read_body(_Fields(message[4:4 + length]))
    except _Cut:
        return NO_HELLO


def _join_records(data: bytes) -> bytes | None:
    """Join the contents of handshake records as far as they have come, up to the end of the first message; None when one is no such record."""
    message = b""
    place = 0
    while place < len(data):
        header = data[place:place + 5]
        if header[0] != HANDSHAKE or header[1:2] not in (b"", b"\x03"):
            return None
        if len(header) < 5:
            return message
        length = int.from_bytes(header[3:5], "big")
        if not 0 < length <= MAX_RECORD_BYTES:
            return None
        message += data[place + 5:place + 5 + length]
        if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big"):
            return message
        place += 5 + length
    return message


def _read_body(body: _Fields) -> ClientHello:
    """Read a ClientHello's fields."""
    if body.number(2) >> 8 != 3:
        return NO_HELLO
    body.take(32)
    body.vector(1)
    body.vector(2)
    body.vector(1)
    if not body:
        return ClientHello()
    extensions = body.vector(2)
    if body:
        return NO_HELLO
    server_name = ""
    protocols: tuple[str, ...] = ()
    seen: set[int] = set()
    while extensions:
        kind = extensions.number(2)
        content = extensions.vector(2)
        if kind in seen:  # RFC 8446, section 4.2: at most one of a kind
            return NO_HELLO
        seen.add(kind)
        if kind == SERVER_NAME:
            server_name = _read_server_name(content)
        elif kind == ALPN:
            protocols = _read_protocols(content)
    return ClientHello(server_name, protocols)


def _read_server_name(content: _Fields) -> str:
    """Return the host name, or empty when it is none."""
    names = content.vector(2)
    while names:
        kind = names.number(1)
        name = names.vector(2).rest().lower()
        if kind == 0:
            return name.decode("ascii") if 0 < len(name) < 256 and not name.translate(None, NAME_BYTES) else ""
    return ""


def _read_protocols(content: _Fields) -> tuple[str, ...]:
    """Return ALPN's names."""
    names = content.vector(2)
    protocols: list[str] = []
    while names:
        protocols.append(names.vector(1).rest().decode("latin-1"))
    return tuple(protocols[:MAX_PROTOCOLS])
