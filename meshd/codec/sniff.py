"""Recognise a protocol from the first bytes a client sends, as Envoy's TLS and HTTP inspectors do."""

from typing import Final

from meshd.codec.http1_lines import TOKEN_BYTES

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113, section 3.4
MAX_REQUEST_LINE: Final = 64 * 1024  # what Envoy's inspectors look at

TARGET_BYTES: Final = bytes([*range(33, 127), *range(128, 256)])
TLS_HANDSHAKE: Final = 22
VERSIONS: Final = {b"HTTP/1.1": "http/1.1", b"HTTP/1.0": "http/1.0"}


def sniff(first_bytes: bytes) -> str:
    """
    Say what a connection carries.

    Args:
        first_bytes: All that was received so far.

    Returns:
        `http/1.1`, `http/1.0`, `h2c`, `tls`, `unknown`, or empty: more bytes are needed. Any word is taken for a method, as Envoy does, so that
        a client with a wrong one is told so; whatever the answer, it stays the same when more bytes come.
    """
    if not first_bytes:
        return ""
    if first_bytes[0] == TLS_HANDSHAKE:
        return _sniff_tls(first_bytes)
    if first_bytes[:len(PREFACE)] == PREFACE[:len(first_bytes)]:
        return "h2c" if len(first_bytes) >= len(PREFACE) else ""
    return _sniff_request_line(first_bytes)


def _sniff_tls(first_bytes: bytes) -> str:
    """Tell a record that holds a ClientHello (RFC 8446, section 5.1) from other bytes that begin alike."""
    if first_bytes[1:2] not in (b"", b"\x03"):
        return "unknown"
    length = first_bytes[3:5]
    if len(length) == 2 and not 4 <= int.from_bytes(length, "big") <= 1 << 14:
        return "unknown"
    if len(first_bytes) < 6:
        return ""
    return "tls" if first_bytes[5] == 1 else "unknown"


def _sniff_request_line(first_bytes: bytes) -> str:
    """Recognise `METHOD target HTTP/1.x` and its beginnings."""
    end = first_bytes.find(b"\r\n", 0, MAX_REQUEST_LINE)
    line = first_bytes[:end] if end >= 0 else first_bytes[:MAX_REQUEST_LINE].removesuffix(b"\r")
    words = line.split(b" ")
    if not words[0] or words[0].translate(None, TOKEN_BYTES) or len(words) > 3 or b"".join(words).translate(None, TARGET_BYTES):
        return "unknown"
    if len(words) == 3 and (not words[1] or not _may_be_version(words[2])):
        return "unknown"
    if end < 0:
        return "" if len(first_bytes) < MAX_REQUEST_LINE else "unknown"
    return VERSIONS.get(words[2], "unknown") if len(words) == 3 else "unknown"


def _may_be_version(word: bytes) -> bool:
    """Tell whether a word is a version of HTTP/1, or the beginning of one."""
    return word in VERSIONS or b"HTTP/1.".startswith(word)
