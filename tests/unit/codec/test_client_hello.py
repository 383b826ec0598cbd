"""ClientHello: names and protocols out of real and forged bytes."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.codec.client_hello import MAX_HELLO_BYTES, ClientHello, read_client_hello

NO_HELLO = ClientHello(well_formed=False)


def vector(size: int, content: bytes) -> bytes:
    """Put the length before bytes."""
    return len(content).to_bytes(size, "big") + content


def extension(kind: int, content: bytes) -> bytes:
    """Make an extension."""
    return kind.to_bytes(2, "big") + vector(2, content)


def server_name(name: bytes) -> bytes:
    """Make a server_name extension."""
    return extension(0, vector(2, b"\0" + vector(2, name)))


def record(content: bytes) -> bytes:
    """Make a handshake record."""
    return b"\x16\x03\x01" + vector(2, content)


def message(extensions: bytes | None, version: bytes = b"\x03\x03", after: bytes = b"") -> bytes:
    """Make a handshake message, a ClientHello."""
    body = version + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\0")
    body += (b"" if extensions is None else vector(2, extensions)) + after
    return b"\x01" + vector(3, body)


def real(name: str | None, protocols: list[str]) -> bytes:
    """Let OpenSSL write a ClientHello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(protocols)
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(("name", "protocols"), [
    ("a.test", ["h2", "http/1.1"]), ("A.Test", ["istio-peer-exchange", "istio"]), (None, []), ("outbound_.80_._.a.default.svc.cluster.local",
        ["istio"]),
])
def test_a_real_hello(name, protocols):
    """What OpenSSL writes is read, and not a byte too early."""
    data = real(name, protocols)
    expected = ClientHello((name or "").lower(), tuple(protocols))
    assert expected == read_client_hello(data) == read_client_hello(data + b"more")
    assert {None} == {read_client_hello(data[:end]) for end in range(len(data))}


@pytest.mark.parametrize(("data", "expected"), [
    (record(message(None)), ClientHello()),
    (record(message(b"")), ClientHello()),
    (record(message(server_name(b"a.test"))), ClientHello("a.test")),
    (record(message(extension(0, vector(2, b"\1" + vector(2, b"x") + b"\0" + vector(2, b"a.test"))))), ClientHello("a.test")),
    (record(message(extension(99, b"x" * 300) + server_name(b"a.test"))), ClientHello("a.test")),
    (record(message(extension(16, vector(2, vector(1, b"h2") + vector(1, b"\xff")))), ), ClientHello("", ("h2", "\xff"))),
    (b"".join(record(bytes([byte])) for byte in message(server_name(b"a.test"))), ClientHello("a.test")),
])
def test_a_made_hello(data, expected):
    """Odd but right hellos are read, cut into records or not."""
    assert expected == read_client_hello(data)


@pytest.mark.parametrize("name", [b"a\nb", b"a b", b'a"b', b"\xe4.test", b"", b"a" * 256, b"a\0b", b"*.test"])
def test_a_name_that_is_none(name):
    """A server name that could forge a log line, or that is no host name, is not taken up."""
    assert ClientHello() == read_client_hello(record(message(server_name(name))))


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n",
    b"\x16\x02",
    b"\x16\x03\x01\x00\x00",
    b"\x16\x03\x01\x40\x01",
    record(b"\x02\x00\x00\x01"),
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",  # E.tcp-to-http-tls
    record(b"\x01\xff\xff\xff"),
    record(b"\x01\x00\x00\x01\x03"),
    record(message(b"", version=b"\x02\x00")),
    record(message(b"", after=b"x")),
    record(message(server_name(b"a.test") * 2)),
    record(message(extension(0, b"\x00\xff"))),
    record(message(extension(0, b""))),
    record(message(extension(16, vector(2, b"\x09h2")))),
    record(message(b"\x00")),
    record(message(b"")[:-1] + b"\x05"),
    record(b"\x01\x00\x00\x50") + b"\x17\x03\x03\x00\x01x",
])
def test_forged_bytes_are_no_hello(data):
    """Lengths that lie, repeated extensions, other records: not TLS."""
    assert NO_HELLO == read_client_hello(data)


def test_an_endless_hello_is_none():
    """Beyond the limit, nothing more is waited for."""
    part = record(b"\x01\x00\xff\xff" + bytes(1000)) + record(bytes(1)) * 12000
    assert (None, NO_HELLO) == (read_client_hello(part[:MAX_HELLO_BYTES - 1]), read_client_hello(part[:MAX_HELLO_BYTES]))


@given(data=st.binary(max_size=300), place=st.integers(0, 200))
def test_garbage_never_raises_and_never_changes_its_mind(data, place):
    """Bytes thrown into a good hello give an answer, which more bytes do not change."""
    good = record(message(server_name(b"a.test") + extension(16, vector(2, vector(1, b"h2")))))
    forged = good[:place] + data + good[place:]
    answers = [read_client_hello(forged[:end]) for end in range(len(forged) + 1)]
    decided = [answer for answer in answers if answer is not None]
    assert len(set(decided)) <= 1
    assert answers[len(answers) - len(decided):] == decided
